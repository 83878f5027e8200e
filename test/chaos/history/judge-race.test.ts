import t from 'tap'
import { judgeRace } from './judge-race.ts'

t.test('judgeRace: one winner that is there is right, anything else is not', async (t) => {
  const won = { etag: 'a', status: 200 }
  const lost = { etag: 'b', status: 412 }
  t.same(judgeRace({ answers: [lost, won, lost], left: 'a' }), [])
  t.same(judgeRace({ answers: [won, { etag: 'b', status: 200 }], left: 'b' }), ['2 winners'])
  t.same(judgeRace({ answers: [lost, lost], left: 'x' }), ['0 winners'])
  t.same(judgeRace({ answers: [won, lost], left: 'b' }), ['the winner is a, and b is there'])
  t.same(judgeRace({ answers: [won, { etag: 'b', status: 500 }], left: 'a' }), ['one was answered 500'])
  t.same(judgeRace({ answers: [won, { etag: 'b', status: undefined }], left: 'a' }), ['one was answered nothing'])
})
