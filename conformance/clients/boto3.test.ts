import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openClientSuite } from '../support/client-suite.ts'
import { awsEnvironment, findProgram } from '../support/program.ts'

/** The checks of boto3_checks.py, each as a test of its own. */
const script = fileURLToPath(new URL('boto3_checks.py', import.meta.url))
const suite = await openClientSuite(t, findProgram('python3'), ({ target }, home) => awsEnvironment(target, home))
const ran = await suite.attempt([script, suite.bucket])
const results = ran.stdout
  .toString()
  .trim()
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as { name: string; ok: boolean; why: string })

t.test('boto3: all checks ran to the end', async (t) => {
  t.equal(ran.code, 0, ran.stderr)
  t.equal(results.length, 10)
})
for (const { name, ok, why } of results)
  t.test(`boto3: ${name}`, async (t) => {
    t.ok(ok, why || 'as expected')
  })
