import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

// By https boto3 signs no bodies: they are aws-chunked, with a checksum behind them.
await runPythonChecks(t, { script: 'boto3_checks.py', count: 10, byTls: true })
