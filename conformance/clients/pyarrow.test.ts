import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

await runPythonChecks(t, { script: 'pyarrow_checks.py', count: 5, environment: 'data' })
