import type { Failure } from './check-sequences.ts'
import type { Step } from './steps.ts'

/** The steps that matter, where the answers part, and what makes it again. */
export function showFailure({ seed, steps, divergence: { step, expected, said } }: Failure): string {
  const isOwn = steps.some(({ n }) => n === step.n)
  return [
    `seed ${seed}: not what S3 does, at step ${step.n}`,
    ...steps.map(inWords),
    ...(isOwn ? [] : [`${inWords(step)}   (the look at the end)`]),
    ...expected.map((one, n) => `  ${n === 0 ? 'S3:       ' : '       or:'} ${JSON.stringify(one)}`),
    `  the store: ${JSON.stringify(said)}`,
    `  again: npm run model -- --from ${seed} --sequences 1`,
  ].join('\n')
}

function inWords({ n, name, args }: Step): string {
  return `  ${String(n).padStart(2)} ${name} ${JSON.stringify(args)}`
}
