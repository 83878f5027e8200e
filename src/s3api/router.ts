import { StoreFault } from '../base/faults.ts'
import { invalid } from './fields.ts'
import type { Operation, ResourceKind } from './operation.ts'
import { headerOf, type RequestHead } from './request-head.ts'
import { subresources } from './subresources.ts'

export type Router = (head: RequestHead) => Operation

/**
 * The operation that a request asks for: of those for its method and kind of resource, the one with the most selectors
 * that are all there. Faults: MethodNotAllowed, NotImplemented (a sub-resource of S3 that is not done), InvalidArgument.
 */
export function createRouter(operations: readonly Operation[]): Router {
  const candidates = Map.groupBy(operations.toSorted(bySelectors), (each) => `${each.route.method} ${each.route.on}`)
  return (head) => {
    const on = kindOf(head)
    const found = candidates.get(`${head.method} ${on}`)?.find((each) => selects(each, head))
    for (const name of head.query.keys()) {
      if (subresources.has(name) && !(found && names(found).includes(name))) throw refusal(operations, head, on, name)
    }
    if (!found) throw new StoreFault('MethodNotAllowed', { method: head.method, resource: on.toUpperCase() })
    return found
  }
}

function kindOf(head: RequestHead): ResourceKind {
  if (head.bucket === undefined) return 'service'
  return head.key === undefined ? 'bucket' : 'object'
}

function bySelectors(a: Operation, b: Operation): number {
  return weight(b) - weight(a)
}

function weight({ route }: Operation): number {
  return (route.query?.length ?? 0) + (route.header === undefined ? 0 : 1)
}

function selects({ route }: Operation, head: RequestHead): boolean {
  if (route.header !== undefined && headerOf(head, route.header) === undefined) return false
  return (route.query ?? []).every((selector) => {
    const [name, value] = selector.split('=') as [string, string?]
    return value === undefined ? head.query.has(name) : head.query.get(name) === value
  })
}

/** The query parameters that an operation knows: its selectors and its inputs. */
function names({ route, request }: Operation): string[] {
  const selectors = (route.query ?? []).map((selector) => selector.split('=')[0]!)
  const inputs = Object.values(request).filter((field) => field.from === 'query')
  return [...selectors, ...inputs.map((field) => field.name)]
}

/** A sub-resource that the chosen operation does not know is never passed over: something else was meant. */
function refusal(operations: readonly Operation[], head: RequestHead, on: ResourceKind, name: string): StoreFault {
  const others = operations.filter(
    ({ route }) => route.on === on && names({ route, request: {} } as Operation).includes(name),
  )
  if (others.some(({ route }) => route.method === head.method)) {
    return invalid(name, head.query.get(name), `This operation does not accept the query parameter ${name} alone`)
  }
  if (others.length > 0)
    return new StoreFault('MethodNotAllowed', { method: head.method, resource: name.toUpperCase() })
  return new StoreFault('NotImplemented', { feature: `The sub-resource ${name}` })
}
