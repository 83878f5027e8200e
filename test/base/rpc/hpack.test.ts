import fc from 'fast-check'
import t from 'tap'
import { H2Error } from '../../../src/base/rpc/h2-codes.ts'
import { encodeHeaders, HpackDecoder } from '../../../src/base/rpc/hpack.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')

/** RFC 7541, appendix C: blocks of one connection each, and what they say. */
const examples: Record<string, [block: string, headers: [string, string][]][]> = {
  'C.3 requests without Huffman coding': [
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        [':authority', 'www.example.com'],
      ],
    ],
    [
      '8286 84be 5808 6e6f 2d63 6163 6865',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        [':authority', 'www.example.com'],
        ['cache-control', 'no-cache'],
      ],
    ],
    [
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/index.html'],
        [':authority', 'www.example.com'],
        ['custom-key', 'custom-value'],
      ],
    ],
  ],
  'C.4 requests with Huffman coding': [
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        [':authority', 'www.example.com'],
      ],
    ],
    [
      '8286 84be 5886 a8eb 1064 9cbf',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        [':authority', 'www.example.com'],
        ['cache-control', 'no-cache'],
      ],
    ],
    [
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/index.html'],
        [':authority', 'www.example.com'],
        ['custom-key', 'custom-value'],
      ],
    ],
  ],
  // The table is made smaller first, so that entries are evicted as there.
  'C.6 responses with Huffman coding and eviction': [
    [
      '3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      [
        [':status', '302'],
        ['cache-control', 'private'],
        ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
        ['location', 'https://www.example.com'],
      ],
    ],
    [
      '4883 640e ffc1 c0bf',
      [
        [':status', '307'],
        ['cache-control', 'private'],
        ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
        ['location', 'https://www.example.com'],
      ],
    ],
    [
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      [
        [':status', '200'],
        ['cache-control', 'private'],
        ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
        ['location', 'https://www.example.com'],
        ['content-encoding', 'gzip'],
        ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
      ],
    ],
  ],
}

for (const [name, blocks] of Object.entries(examples)) {
  t.test(`RFC 7541, ${name}`, async (t) => {
    const decoder = new HpackDecoder(16_384)
    for (const [block, headers] of blocks) t.same(decoder.decode(hex(block)), headers)
  })
}

t.test('what we encode is read as it was', async (t) => {
  const name = fc.stringMatching(/^[a-z0-9-]{1,40}$/)
  const value = fc.string({
    unit: fc.integer({ min: 32, max: 255 }).map((n) => String.fromCharCode(n)),
    maxLength: 300,
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 10 }), (headers) => {
      t.same(new HpackDecoder(16_384).decode(encodeHeaders(headers)), headers)
    }),
    { numRuns: 50 },
  )
})

t.test('whatever comes is read or refused', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        new HpackDecoder(1000).decode(bytes)
      } catch (error) {
        if (!(error instanceof H2Error)) throw error
      }
    }),
    { numRuns: 3000 },
  )
})

t.test('what makes no sense, or unfolds to too much, is refused', async (t) => {
  const refused = {
    'an index of nothing': '80',
    'an index beyond both tables': 'be',
    'an integer that goes on for ever': 'ffff ffff ffff ffff ff',
    'a string beyond the end': '0005 6162',
    'a block that ends in a header': '00',
    'a table larger than was allowed': '3fe2 1f',
    'Huffman padding of zeros': '0082 6400 81 fe',
    'the end of string within a string': '0084 ffff ffff 0161',
  }
  for (const [name, block] of Object.entries(refused)) {
    t.throws(() => new HpackDecoder(16_384).decode(hex(block)), H2Error, name)
  }
  const many = new HpackDecoder(200)
  t.ok(many.decode(hex('8282 8282')))
  t.throws(() => many.decode(hex('82'.repeat(50))), H2Error)
})
