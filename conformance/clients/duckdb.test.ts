import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

await runPythonChecks(t, { script: 'duckdb_checks.py', count: 3, environment: 'data' })
