import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { randomFrom } from '../support/bytes.ts'
import { openSuite } from '../support/suite.ts'

/** Anything that S3 does with versions, at random, against the few lines of `Model`, which say what S3 does. */
const { s3, newBucket } = await openSuite(t)
const KEYS = ['a', 'b', 'dir/c']
const SEEDS = [1, 2]
const STEPS = 60

interface Version {
  id: string
  /** undefined: a delete marker. */
  body: string | undefined
}

class Model {
  versioning: '' | 'Enabled' | 'Suspended' = ''
  /** Newest first. */
  readonly keys = new Map<string, Version[]>()

  of(key: string): Version[] {
    return this.keys.get(key) ?? []
  }

  /** `id`: what the store says that it made. */
  write(key: string, body: string | undefined, id: string | undefined): void {
    const version = { id: this.versioning === 'Enabled' ? String(id) : 'null', body }
    const others = this.of(key).filter((each) => each.id !== version.id)
    this.keys.set(key, [version, ...others])
  }

  /** What the store should answer: the id of what went, and whether it was a marker. */
  remove(key: string, id: string): boolean {
    const isMarker = this.of(key).some((each) => each.id === id && each.body === undefined)
    this.keys.set(
      key,
      this.of(key).filter((each) => each.id !== id),
    )
    return isMarker
  }

  read(key: string, id: string | undefined): string {
    const version = id === undefined ? this.of(key)[0] : this.of(key).find((each) => each.id === id)
    if (!version) return id === undefined ? 'NoSuchKey' : 'NoSuchVersion'
    if (version.body === undefined) return id === undefined ? 'NoSuchKey' : 'MethodNotAllowed'
    return `body ${version.body}`
  }

  listing(): string[] {
    return KEYS.flatMap((key) => this.of(key).map(({ id, body }, n) => `${key} ${id} ${body ?? '-'} ${n === 0}`))
  }
}

for (const seed of SEEDS) {
  t.test(`versions: ${STEPS} random steps of seed ${seed} leave what the model says`, async (t) => {
    const random = randomFrom(seed)
    const below = (n: number) => Math.floor(random() * n)
    const pick = <T>(from: readonly T[]): T => from[below(from.length)]!
    const Bucket = await newBucket()
    const model = new Model()
    const told: string[] = []
    const anyId = (key: string) => pick([...model.of(key).map(({ id }) => id), 'null'])

    const steps: Record<string, () => Promise<void>> = {
      async put() {
        const [Key, Body] = [pick(KEYS), String(below(1000))]
        const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
        t.equal(VersionId !== undefined, model.versioning === 'Enabled')
        model.write(Key, Body, VersionId)
      },
      async remove() {
        const Key = pick(KEYS)
        const { VersionId, DeleteMarker } = await s3.send(new DeleteObjectCommand({ Bucket, Key }))
        t.equal(DeleteMarker, model.versioning === '' ? undefined : true)
        if (model.versioning === '') model.remove(Key, 'null')
        else model.write(Key, undefined, VersionId)
      },
      async removeVersion() {
        const Key = pick(KEYS)
        const VersionId = anyId(Key)
        const { DeleteMarker = false } = await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
        t.equal(DeleteMarker, model.remove(Key, VersionId))
      },
      async removeMany() {
        const Objects = KEYS.filter(() => random() < 0.5).map((Key) =>
          random() < 0.5 ? { Key } : { Key, VersionId: anyId(Key) },
        )
        if (Objects.length === 0) return
        const { Deleted = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
        t.equal(Deleted.length, Objects.length)
        for (const { Key, VersionId, DeleteMarkerVersionId } of Deleted) {
          if (VersionId !== undefined) model.remove(Key!, VersionId)
          else if (model.versioning === '') model.remove(Key!, 'null')
          else model.write(Key!, undefined, DeleteMarkerVersionId)
        }
      },
      async copy() {
        const [from, Key] = [pick(KEYS), pick(KEYS)]
        const [latest] = model.of(from)
        const named = pick([undefined, anyId(from)])
        const body = named === undefined ? latest?.body : model.of(from).find(({ id }) => id === named)?.body
        const CopySource = `${Bucket}/${from}${named === undefined ? '' : `?versionId=${named}`}`
        const copying = s3.send(new CopyObjectCommand({ Bucket, Key, CopySource, MetadataDirective: 'REPLACE' }))
        if (body === undefined) return void (await t.rejects(copying))
        model.write(Key, body, (await copying).VersionId)
      },
      async setVersioning() {
        const Status = pick(['Enabled', 'Enabled', 'Suspended'] as const)
        await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
        model.versioning = Status
      },
    }

    const read = async (Key: string, VersionId: string | undefined) => {
      try {
        return `body ${await (await s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body!.transformToString()}`
      } catch (error) {
        return (error as Error).name
      }
    }
    const names = Object.keys(steps)
    for (let n = 0; n < STEPS; n++) {
      const name = n < 10 ? pick(['put', 'remove', 'copy']) : pick(['put', 'put', ...names])
      told.push(name)
      await steps[name]!()
      const key = pick(KEYS)
      for (const id of [undefined, anyId(key)]) t.equal(await read(key, id), model.read(key, id), `${n}: ${name}`)
      if (n % 5 === 0) t.same(await listing(Bucket, read), model.listing(), told.join(' '))
    }
    const listed = (await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []
    t.same(
      listed.map(({ Key }) => Key),
      KEYS.filter((key) => model.of(key)[0]?.body !== undefined),
    )
  })
}

async function listing(Bucket: string, read: (key: string, id: string | undefined) => Promise<string>) {
  const lines: { key: string; id: string; body: string; isLatest: boolean }[] = []
  let KeyMarker: string | undefined
  let VersionIdMarker: string | undefined
  do {
    // One at a time: versions and markers are lists apart, and only so is their order seen.
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, KeyMarker, VersionIdMarker }))
    for (const { Key, VersionId, IsLatest } of page.Versions ?? [])
      lines.push({
        key: Key!,
        id: VersionId!,
        body: (await read(Key!, VersionId)).replace('body ', ''),
        isLatest: IsLatest!,
      })
    for (const { Key, VersionId, IsLatest } of page.DeleteMarkers ?? [])
      lines.push({ key: Key!, id: VersionId!, body: '-', isLatest: IsLatest! })
    KeyMarker = page.NextKeyMarker
    VersionIdMarker = page.NextVersionIdMarker
  } while (KeyMarker !== undefined)
  return lines.map(({ key, id, body, isLatest }) => `${key} ${id} ${body} ${isLatest}`)
}
