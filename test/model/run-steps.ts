import { Bucket } from './bucket.ts'
import { NO_UPLOAD, NO_VERSION } from './choices.ts'
import type { Place } from './operation.ts'
import { operations } from './operations/table.ts'
import type { Ask } from './owner.ts'
import { type Answer, isSame, type NameOf, type Said } from './said.ts'
import { clearSteps, expectOf, lookSteps, type Step } from './steps.ts'

/** Where the store and the model part. */
export interface Divergence {
  step: Step
  /** Any one of these would have done. */
  expected: readonly Said[]
  said: Said
}

/** Of a form that stores give their ids, and of none that they gave. */
const NEVER_GIVEN: Readonly<Record<string, string>> = {
  [NO_VERSION]: '0123456789abcdef0123456789abcdef',
  [NO_UPLOAD]: 'fedcba9876543210fedcba9876543210',
}
const PAGES_MAX = 40

/** Ids that the store made, and what the model calls them. */
class Names {
  readonly #ids = new Map<string, string>(Object.entries(NEVER_GIVEN))
  readonly #names = new Map<string, string>(Object.entries(NEVER_GIVEN).map(([name, id]) => [id, name]))

  idOf(name: string): string {
    return name === 'null' ? name : (this.#ids.get(name) ?? NEVER_GIVEN[NO_VERSION]!)
  }

  nameOf(id: string, name: string): string {
    if (id === 'null') return id
    const known = this.#names.get(id)
    if (known !== undefined) return known
    if (this.#ids.has(name)) return `another than ${name}`
    this.#ids.set(name, id)
    this.#names.set(id, name)
    return name
  }
}

/** Does the steps in a bucket of that name, which must be new; then looks at all that is there, and takes it away. */
export async function runSteps(
  steps: readonly Step[],
  bucketName: string,
  ask: Ask,
  onStep: (step: Step) => void = () => {},
): Promise<Divergence | undefined> {
  const created = await ask(bucketName, { method: 'PUT' })
  if (created.status !== 200) throw new Error(`CreateBucket: ${created.status} ${created.body}`)
  const bucket = new Bucket()
  const names = new Names()
  const runAll = async (some: readonly Step[]) => {
    for (const step of some) {
      const divergence = await runStep(
        step,
        { bucket, bucketName, n: step.n, idOf: (name) => names.idOf(name) },
        names,
        ask,
      )
      onStep(step)
      if (divergence) return divergence
    }
    return undefined
  }
  const last = steps.at(-1)?.n ?? 0
  return (
    (await runAll(steps)) ?? (await runAll(lookSteps(bucket, last + 1))) ?? (await runAll(clearSteps(bucket, last + 1)))
  )
}

async function runStep(step: Step, place: Place, names: Names, ask: Ask): Promise<Divergence | undefined> {
  const operation = operations[step.name]
  const answers: Answer[] = []
  for (;;) {
    const call = operation.call(step.args, place, answers.at(-1))
    if (!call || answers.length === PAGES_MAX) break
    answers.push(await ask(place.bucketName, call))
  }
  const nameOf: NameOf = (id, suffix = '') =>
    names.nameOf(id, `${step.name === 'CreateMultipartUpload' ? 'u' : 'v'}${step.n}${suffix}`)
  const said = operation.read(answers, nameOf)
  const expected = expectOf(step, place.bucket)
  return expected.some((one) => isSame(one, said)) ? undefined : { step, expected, said }
}
