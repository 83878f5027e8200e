import { type Check, failure, ok } from '../check.ts'

/** As in package.json; type stripping came with it. */
const MAJOR_MIN = 22
const MINOR_MIN = 18

export const nodeVersion: Check = {
  name: 'Node',
  async run({ nodeVersion: version }) {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major > MAJOR_MIN || (major === MAJOR_MIN && minor >= MINOR_MIN)) return ok(`Node is ${version}`)
    return failure(
      `Node is ${version}, and Sextant needs ${MAJOR_MIN}.${MINOR_MIN} or later: install that, or run \`npm ci\`, which brings one.`,
    )
  },
}
