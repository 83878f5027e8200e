import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

await runPythonChecks(t, { script: 's3fs_features_checks.py', count: 4, environment: 'data' })
