import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

await runPythonChecks(t, { script: 'pyiceberg_checks.py', count: 3, environment: 'data' })
