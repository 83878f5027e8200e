import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

// By http the client sends no Content-MD5, and S3 takes nothing without one that is to be locked.
await runPythonChecks(t, { script: 'minio_features_checks.py', count: 6, byTls: true })
