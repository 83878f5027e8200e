import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

await runPythonChecks(t, { script: 's3fs_checks.py', count: 6, environment: 'data' })
