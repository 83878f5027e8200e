import fc from 'fast-check'
import t from 'tap'
import { GrowingBuffer } from '../../src/base/growing-buffer.ts'

t.test('GrowingBuffer: holds what was put in, whatever the pieces', async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 20 })
  fc.assert(
    fc.property(pieces, (all) => {
      const whole = Buffer.concat(all)
      const buffer = new GrowingBuffer(whole.length)
      for (const piece of all) buffer.append(piece)
      return buffer.length === whole.length && buffer.bytes.equals(whole)
    }),
  )
})

t.test('GrowingBuffer: takes no more than it may, and no more room than it needs twice over', async (t) => {
  const buffer = new GrowingBuffer(100_000)
  for (let n = 0; n < 50_000; n++) buffer.append(Buffer.from('x'))
  t.ok(buffer.bytes.buffer.byteLength <= 100_000)
  t.throws(() => buffer.append(Buffer.alloc(50_001)), RangeError)
  buffer.append(Buffer.alloc(50_000))
  t.equal(buffer.bytes.buffer.byteLength, 100_000)
})
