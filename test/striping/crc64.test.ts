import { readFile } from 'node:fs/promises'
import { Crc64Nvme as SdkCrc64Nvme } from '@aws-sdk/crc64-nvme'
import fc from 'fast-check'
import t from 'tap'
import { buildKernel, crc64Kernel } from '../../scripts/build-kernel.ts'
import { Crc64Nvme } from '../../src/striping/crc64.ts'

function crcOf(...pieces: Uint8Array[]): string {
  const crc = new Crc64Nvme()
  for (const piece of pieces) crc.update(piece)
  return crc.digest().toString('hex')
}

async function sdkCrcOf(bytes: Uint8Array): Promise<string> {
  const crc = new SdkCrc64Nvme()
  crc.update(bytes)
  return Buffer.from(await crc.digest()).toString('hex')
}

t.test('the committed kernel is what its source gives', async (t) => {
  t.equal(await readFile(crc64Kernel.file, 'utf8'), await buildKernel(crc64Kernel))
})

t.test('the check value of the CRC catalogue; nothing at all', async (t) => {
  t.equal(crcOf(Buffer.from('123456789')), 'ae8b14860a799888')
  t.equal(crcOf(), '0000000000000000')
})

t.test("any bytes in any pieces: as the SDK's", async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 })
  await fc.assert(fc.asyncProperty(pieces, async (list) => crcOf(...list) === (await sdkCrcOf(Buffer.concat(list)))))
})

t.test('pieces longer than the kernel takes at once; bodies that take turns', async (t) => {
  const body = Buffer.alloc(1_000_003, 'the store of objects')
  t.equal(crcOf(body), await sdkCrcOf(body))
  const [a, b] = [new Crc64Nvme(), new Crc64Nvme()]
  for (let i = 0; i < 100; i++) {
    a.update(body.subarray(i * 1000, (i + 1) * 1000))
    b.update(body.subarray(i * 777, (i + 1) * 777))
  }
  t.equal(a.digest().toString('hex'), await sdkCrcOf(body.subarray(0, 100_000)))
  t.equal(b.digest().toString('hex'), await sdkCrcOf(body.subarray(0, 77_700)))
})
