import { randomBytes } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { StoreUnderTest } from '../support/store.ts'
import { kill } from '../support/up.ts'

const Bucket = 'local'
const Key = 'large'

/** Changes a byte in the middle of every large data chunk of one node; answers how many there are. */
async function rot(node: string): Promise<number> {
  const entries = await readdir(join(node, 'chunks'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && /-0[0-5]-/.test(entry.name))
  for (const { parentPath, name } of files) {
    const file = await open(join(parentPath, name), 'r+')
    const middle = Math.floor((await file.stat()).size / 2)
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, middle)
    byte[0]! ^= 0x10
    await file.write(byte, 0, 1, middle)
    await file.close()
  }
  return files.length
}

t.test('objects are read past their nodes, and exact bytes come of disks that are rotten', async (t) => {
  await using store = new StoreUnderTest()
  await store.start()
  const s3 = store.client({ maxAttempts: 1 })
  const Body = randomBytes(9_000_001)
  const get = async (Range?: string, name = Key) => {
    const answer = await s3.send(new GetObjectCommand({ Bucket, Key: name, ...(Range && { Range }) }))
    return Buffer.from(await answer.Body!.transformToByteArray())
  }
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
  await s3.send(new PutObjectCommand({ Bucket, Key: 'medium', Body: Body.subarray(0, 1_000_001) }))

  const nodes = [...store.processes()].filter(([name]) => name.startsWith('storage node')).map(([, pid]) => pid)
  t.equal(nodes.length, 6)
  for (const pid of nodes) kill(pid, 'SIGSTOP')
  t.ok((await get()).equals(Body), 'with all nodes standing still')
  t.ok((await get('bytes=4000000-4999999')).equals(Body.subarray(4_000_000, 5_000_000)))
  t.ok((await get(undefined, 'medium')).equals(Body.subarray(0, 1_000_001)), 'from where its nodes said they put it')
  for (const pid of nodes) kill(pid, 'SIGCONT')

  let rotten = 0
  // Eight chunks lie on six nodes, two on one at most: some may have no data chunk.
  for (let n = 1; rotten === 0; n++) rotten = await rot(join(store.directory, 'nodes', String(n)))
  t.ok((await get()).equals(Body), 'with all chunks of a node rotten')
  s3.destroy()
})
