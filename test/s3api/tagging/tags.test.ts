import fc from 'fast-check'
import t from 'tap'
import type { TagSet } from '../../../src/base/model.ts'
import { checkTags, parseTagList, tagging, writeTagList } from '../../../src/s3api/tagging/tag-set.ts'
import { parseTaggingHeader } from '../../../src/s3api/tagging/tagging-header.ts'
import { readXml } from '../../../src/s3api/xml/read-xml.ts'
import { writeXml } from '../../../src/s3api/xml/write-xml.ts'
import { refused } from '../refused.ts'

const many = (count: number): TagSet => Array.from({ length: count }, (_, i) => [`key-${i}`, ''] as const)
const header = (text: string) => parseTaggingHeader(text, 'x-amz-tagging')

const letter = fc.constantFrom('a', 'Z', '9', ' ', '+', '-', '=', '.', '_', ':', '/', '@', 'ü', '文', 'कि', '𝒜')
const word = (max: number) => fc.array(letter, { minLength: 1, maxLength: max / 2 }).map((all) => all.join(''))
const tagSet = fc.uniqueArray(fc.tuple(word(64), fc.oneof(fc.constant(''), word(128))), {
  maxLength: 10,
  selector: ([key]) => key,
})

t.test('tags: any set goes through its document and its header, in its order', async () => {
  fc.assert(
    fc.property(tagSet, (tags) => {
      const document = writeXml('Tagging', tagging, { TagSet: writeTagList(tags) })
      const again = parseTagList(readXml('Tagging', tagging, Buffer.from(document)).TagSet, 'object')
      const query = tags.map((tag) => tag.map(encodeURIComponent).join('=')).join('&')
      return JSON.stringify(again) === JSON.stringify(tags) && JSON.stringify(header(query)) === JSON.stringify(tags)
    }),
  )
})

t.test('tags: as many as S3 allows, and no more', async (t) => {
  t.equal(checkTags(many(10), 'object').length, 10)
  t.equal(checkTags(many(50), 'bucket').length, 50)
  refused(t, () => checkTags(many(11), 'object'), 'BadRequest', /^Object tags cannot be greater than 10$/)
  refused(t, () => checkTags(many(51), 'bucket'), 'BadRequest', /cannot be greater than 50$/)
})

t.test('tags: key and value are as long as S3 allows, in UTF-16', async (t) => {
  const longest = [`${'k'.repeat(126)}𝒜`, `${'v'.repeat(254)}𝒜`] as const
  t.same(checkTags([longest], 'object'), [longest])
  refused(t, () => checkTags([[`k${longest[0]}`, '']], 'object'), 'InvalidTag', /TagKey/)
  refused(t, () => checkTags([['k', `v${longest[1]}`]], 'object'), 'InvalidTag', /TagValue/)
  refused(t, () => checkTags([['', 'v']], 'object'), 'InvalidTag', /TagKey/)
})

t.test('tags: other characters, keys of the system, and a key given twice are refused', async (t) => {
  for (const bad of ['a,b', 'a;b', 'a?b', 'a!b', 'a*b', 'a#b', 'a%b', 'a(b)', 'a\tb', '😀', 'a\u0000']) {
    refused(t, () => checkTags([[bad, '']], 'object'), 'InvalidTag', /TagKey/)
    refused(t, () => checkTags([['k', bad]], 'object'), 'InvalidTag', /TagValue/)
  }
  for (const own of ['aws:cost', 'AWS:cost']) {
    refused(t, () => checkTags([[own, '']], 'bucket'), 'InvalidTag', /^System tags/)
  }
  const twice = [['a', '1'] as const, ['a', '2'] as const]
  refused(t, () => checkTags(twice, 'object'), 'InvalidTag', /multiple Tags with the same key/)
})

t.test('x-amz-tagging: read as a query is', async (t) => {
  t.same(header(''), [])
  t.same(header('b=2&a=1'), [
    ['b', '2'],
    ['a', '1'],
  ])
  t.same(header('a&b='), [
    ['a', ''],
    ['b', ''],
  ])
  t.same(header('a%20b=c%2Bd&e+f=g=h'), [
    ['a b', 'c+d'],
    ['e f', 'g=h'],
  ])
  t.same(header('%C3%BC=%E6%96%87'), [['ü', '文']])
  for (const bad of ['a=1&a=2', '=1', 'a=%FF', 'a=%', '%zz=1']) {
    refused(t, () => header(bad), 'InvalidArgument', /^The header 'x-amz-tagging' shall be encoded/)
  }
  refused(t, () => header('a,b=1'), 'InvalidTag', /TagKey/)
  refused(t, () => header('aws:cost=1'), 'InvalidTag', /^System tags/)
})
