import t from 'tap'
import { judgeRace } from './judge-race.ts'

t.test('judgeRace: one winner that is there is right, anything else is not', async (t) => {
  const won = { etag: 'a', status: 200 }
  const lost = { etag: 'b', status: 412 }
  t.same(judgeRace({ answers: [lost, won, lost], left: 'a', versions: 1 }, 1), [])
  t.same(judgeRace({ answers: [won, { etag: 'b', status: 200 }], left: 'b', versions: 1 }, 1), ['2 winners'])
  t.same(judgeRace({ answers: [lost, lost], left: 'x', versions: 1 }, 1), ['0 winners'])
  t.same(judgeRace({ answers: [won, lost], left: 'b', versions: 1 }, 1), ['the winner is a, and b is there'])
  t.same(judgeRace({ answers: [won, { etag: 'b', status: 500 }], left: 'a', versions: 1 }, 1), ['one was answered 500'])
  t.same(judgeRace({ answers: [won, { etag: 'b', status: undefined }], left: 'a', versions: 1 }, 1), [
    'one was answered nothing',
  ])
  t.same(judgeRace({ answers: [won, lost], left: 'a', versions: 2 }, 1), ['2 versions instead of 1'])
})
