import type { Chance } from '../fuzz/chance.ts'
import type { Bucket } from './bucket.ts'
import { type Answer, type NameOf, readHead, type Said } from './said.ts'

/** What is asked of the store, in the bucket of the sequence. */
export interface Call {
  method: string
  key?: string | undefined
  /** undefined: left out. */
  query?: Readonly<Record<string, string | undefined>>
  headers?: Readonly<Record<string, string | undefined>>
  body?: Buffer | string | undefined
}

/** Where a step happens. */
export interface Place {
  bucket: Bucket
  /** The bucket's, for copies. */
  bucketName: string
  /** Its number in the sequence: what it makes is called after it. */
  n: number
  /** What the store calls what the model calls so. */
  idOf(name: string): string
}

/** One operation of S3: how to ask for it, what S3 does, and how its answer is read. `A`: what a step says, as JSON. */
export interface Operation<A> {
  make(chance: Chance, bucket: Bucket): A | undefined
  /** `last`: the page before; undefined is answered when there is none after it. */
  call(args: A, place: Place, last?: Answer): Call | undefined
  /** Changes the bucket as S3 does. Any one of what is answered here will do, where S3 does not say which. */
  expect(args: A, place: Place): Said | readonly Said[]
  read(answers: readonly Answer[], nameOf: NameOf): Said
}

/** With defaults, for a table of all. */
export function operation<A>(
  own: Omit<Operation<A>, 'read'> & { read?: (answer: Answer, nameOf: NameOf) => Said },
): Operation<unknown> {
  const { read = readHead, ...rest } = own
  const made: Operation<A> = {
    ...rest,
    call: (args, place, last) => (last ? undefined : own.call(args, place)),
    read: ([answer], nameOf) => read(answer!, nameOf),
  }
  return made as Operation<unknown>
}

/** One that asks page after page. */
export function paged<A>(own: Operation<A>): Operation<unknown> {
  return own as Operation<unknown>
}
