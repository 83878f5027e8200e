/** What V8's profiler answers: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfile {
  nodes: readonly {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number }
    children?: readonly number[]
  }[]
  samples: readonly number[]
  /** Microseconds before each sample. */
  timeDeltas: readonly number[]
}

/** Time on the CPU by stack: of one process, or of many of a kind together. */
export interface Frame {
  name: string
  /** `src/engine/put-object.ts:12`; '' for what V8 itself does. */
  place: string
  /** Spent here, not in what it called. */
  selfMicros: number
  /** With what it called. */
  micros: number
  callees: Frame[]
}

/** Waiting costs nothing. */
const IDLE = '(idle)'
const REPOSITORY = new URL('../../', import.meta.url).href
/** Starting and stopping the profiler itself; what else the probe has is under the program's own calls. */
const PROBE = {
  names: new Set(['listen', 'hear', 'reply', 'answer']),
  url: new URL('../store/probe.ts', import.meta.url).href,
}

export function mergeProfiles(profiles: readonly CpuProfile[]): Frame {
  const root: Frame = { name: 'all', place: '', selfMicros: 0, micros: 0, callees: [] }
  for (const profile of profiles) addProfile(root, profile)
  return root
}

/** By time of their own, most first; a function that was called on many ways is one. */
export function heaviest(root: Frame): { name: string; place: string; selfMicros: number }[] {
  const byFunction = new Map<string, { name: string; place: string; selfMicros: number }>()
  const visit = ({ name, place, selfMicros, callees }: Frame) => {
    const key = `${name} ${place}`
    const known = byFunction.get(key)
    if (known) known.selfMicros += selfMicros
    else byFunction.set(key, { name, place, selfMicros })
    for (const callee of callees) visit(callee)
  }
  visit(root)
  return [...byFunction.values()].sort((a, b) => b.selfMicros - a.selfMicros)
}

function addProfile(root: Frame, { nodes, samples, timeDeltas }: CpuProfile): void {
  const selfMicros = new Map<number, number>()
  for (const [index, id] of samples.entries()) selfMicros.set(id, (selfMicros.get(id) ?? 0) + timeDeltas[index]!)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const add = (id: number, into: Frame): number => {
    const { callFrame, children = [] } = byId.get(id)!
    if (callFrame.functionName === IDLE) return 0
    if (callFrame.url === PROBE.url && PROBE.names.has(callFrame.functionName)) return 0
    const frame = callFrame.functionName === '(root)' ? into : calleeOf(into, callFrame)
    const self = selfMicros.get(id) ?? 0
    const micros = children.reduce((sum, child) => sum + add(child, frame), self)
    frame.selfMicros += self
    frame.micros += micros
    return micros
  }
  add(nodes[0]!.id, root)
}

function calleeOf(caller: Frame, { functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): Frame {
  const name = functionName || '(anonymous)'
  const place = placeOf(url, lineNumber)
  const known = caller.callees.find((callee) => callee.name === name && callee.place === place)
  if (known) return known
  const made: Frame = { name, place, selfMicros: 0, micros: 0, callees: [] }
  caller.callees.push(made)
  return made
}

function placeOf(url: string, lineNumber: number): string {
  return url === '' ? '' : `${url.replace(REPOSITORY, '')}:${lineNumber + 1}`
}
