import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

await runPythonChecks(t, { script: 'boto3_buckets_checks.py', count: 7 })
