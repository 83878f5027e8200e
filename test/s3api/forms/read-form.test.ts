import fc from 'fast-check'
import t from 'tap'
import { isFault } from '../../../src/base/faults.ts'
import type { ByteStream } from '../../../src/engine/engine.ts'
import { boundaryOf, readForm } from '../../../src/s3api/forms/read-form.ts'

async function* cut(bytes: Buffer, sizes: readonly number[]): ByteStream {
  let at = 0
  for (const size of [...sizes, bytes.length]) {
    if (at >= bytes.length) return
    yield Buffer.from(bytes.subarray(at, at + size))
    at += size
  }
}

async function read(body: Buffer | string, boundary: string, sizes: readonly number[] = []) {
  const form = await readForm(cut(Buffer.from(body as string), sizes), boundary)
  const pieces: Uint8Array[] = []
  for await (const piece of form.file) pieces.push(Buffer.from(piece))
  return { ...form, fields: Object.fromEntries(form.fields), file: Buffer.concat(pieces) }
}

/** As a browser would write it. */
async function written(form: FormData): Promise<{ body: Buffer; boundary: string }> {
  const response = new Response(form)
  const boundary = boundaryOf(response.headers.get('content-type') ?? '')!
  return { body: Buffer.from(await response.arrayBuffer()), boundary }
}

const name = fc.string({ unit: fc.constantFrom('a', 'B', 'ü', ' ', '-'), minLength: 1, maxLength: 5 })
const text = fc.string({ unit: fc.constantFrom('a', '\r\n', '-', '--', 'ü', '日', '"'), maxLength: 20 })
/** Full of what looks like the beginning of a boundary. */
const content = fc.array(fc.constantFrom('\r', '\n', '\r\n', '-', '\r\n-', '\r\n--', '\r\n----', 'x', '\0'), {
  maxLength: 40,
})

t.test('readForm: what fetch writes, in pieces of any size: fields and file as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, text), { selector: ([each]) => each.toLowerCase(), maxLength: 6 }),
      content.map((parts) => parts.join('')),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }),
      async (fields, bytes, sizes) => {
        const form = new FormData()
        for (const [key, value] of fields) form.append(key, value)
        form.append('File', new File([bytes], 'dir/na"me.txt'))
        form.append('submit', 'go')
        const { body, boundary } = await written(form)
        const got = await read(body, boundary, sizes)
        const wanted = fields.map(([key, value]) => [key.toLowerCase(), value])
        return JSON.stringify(Object.entries(got.fields)) === JSON.stringify(wanted) && got.file.toString() === bytes
      },
    ),
  )
})

t.test('readForm: the last field: what is said of the other bytes is exact', async (t) => {
  const form = new FormData()
  form.append('key', 'k')
  form.append('file', new File(['x'.repeat(1000)], 'f'))
  const { body, boundary } = await written(form)
  const { otherBytes } = await read(body, boundary)
  const lineEnd = body.toString().endsWith('--\r\n') ? 2 : 0
  t.equal(body.length - otherBytes - lineEnd, 1000)
})

/** S3's own, and no template's. */
const variable = ['$', '{filename}'].join('')

const part = (disposition: string, value = 'v') =>
  `--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`

t.test(
  'readForm: the file’s name in place of its variable: the last step of the path that the file came with, in every field but the signed',
  async (t) => {
    const names: [string, string][] = [
      ['filename="C:\\photos\\one.jpg"', 'one.jpg'],
      ['filename="/photos/one two.jpg"', 'one two.jpg'],
      ['filename="a\\"b.txt"', 'a"b.txt'],
      ["filename*=UTF-8''%C3%BC.txt", 'ü.txt'],
      ['filename=bare.txt', 'bare.txt'],
      ['filename="$&.txt"', '$&.txt'],
    ]
    for (const [sent, wanted] of names) {
      const body = `${part('name="key"', `a/${variable}/${variable}`)}${part('name="policy"', variable)}${part(`name="file"; ${sent}`)}--b--`
      t.same((await read(body, 'b')).fields, { key: `a/${wanted}/${wanted}`, policy: variable }, sent)
    }
  },
)

t.test('readForm: what is no form is refused by its code, never taken in part', async (t) => {
  const good = part('name="key"')
  const file = part('name="file"')
  const wrong: [string, string, string][] = [
    ['nothing', '', 'MalformedPOSTRequest'],
    ['another boundary', '--c\r\n\r\n--c--', 'MalformedPOSTRequest'],
    ['no end of the file', `${good}${file}`, 'MalformedPOSTRequest'],
    ['no end of a field', good, 'MalformedPOSTRequest'],
    ['no headers', '--b\r\n\r\nx\r\n--b--', 'MalformedPOSTRequest'],
    ['no name', `${part('')}${file}--b--`, 'MalformedPOSTRequest'],
    [
      'no form-data',
      `--b\r\nContent-Disposition: attachment; name="key"\r\n\r\nx\r\n${file}--b--`,
      'MalformedPOSTRequest',
    ],
    ['a head without end', `--b\r\nX: ${'x'.repeat(10_000)}`, 'MalformedPOSTRequest'],
    ['no file', `${good}--b--`, 'InvalidArgument'],
    ['a field twice', `${good}${part('name="KEY"')}${file}--b--`, 'InvalidArgument'],
    ['over 20 KiB', `${part('name="a"', 'x'.repeat(20 * 1024 + 1))}${file}--b--`, 'MaxPostPreDataLengthExceeded'],
    [
      'over 20 KiB in all',
      `${Array.from({ length: 21 }, (_, n) => part(`name="f${n}"`, 'x'.repeat(1024))).join('')}${file}--b--`,
      'MaxPostPreDataLengthExceeded',
    ],
    [
      'over 100 fields',
      `${Array.from({ length: 101 }, (_, n) => part(`name="f${n}"`)).join('')}${file}--b--`,
      'MaxPostPreDataLengthExceeded',
    ],
  ]
  for (const [what, body, code] of wrong) {
    for (const sizes of [[], Array.from({ length: 400 }, () => 3)])
      await t.rejects(read(body, 'b', sizes), { code }, what)
  }
  t.equal((await read(`${good}${file}--b--`, 'b')).file.toString(), 'v')
})

t.test('readForm: any bytes: a form or one of those refusals', async () => {
  const bytes = fc.array(
    fc.constantFrom('--b', '\r\n', '--', 'Content-Disposition: form-data; name="', 'file', 'key', '"', ';', 'x'),
    { maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(bytes, async (words) => {
      try {
        return (await read(words.join(''), 'b')).file !== undefined
      } catch (error) {
        return isFault(error, 'MalformedPOSTRequest') || isFault(error, 'InvalidArgument')
      }
    }),
    { numRuns: 500 },
  )
})

t.test('boundaryOf: quoted or bare, behind other parameters; nothing for another type', async (t) => {
  t.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc')
  t.equal(boundaryOf('Multipart/Form-Data; charset=utf-8; Boundary="a b=c"'), 'a b=c')
  t.equal(boundaryOf('multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxk'), '----WebKitFormBoundary7MA4YWxk')
  for (const type of [
    undefined,
    'text/plain',
    'multipart/mixed; boundary=a',
    'multipart/form-data',
    'multipart/form-data; boundary=',
  ]) {
    t.equal(boundaryOf(type), undefined, type ?? 'none')
  }
  t.equal(boundaryOf(`multipart/form-data; boundary=${'x'.repeat(71)}`), undefined)
})
