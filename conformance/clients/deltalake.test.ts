import t from 'tap'
import { runPythonChecks } from '../support/python-checks.ts'

// AWS_ALLOW_HTTP: the store speaks plain HTTP here. How to commit without losing to another writer is the default.
await runPythonChecks(t, {
  script: 'deltalake_checks.py',
  count: 4,
  environment: 'data',
  env: { AWS_ALLOW_HTTP: 'true' },
})
