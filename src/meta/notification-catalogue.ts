import { assert } from '../base/faults.ts'
import type { NotificationCatalogue } from '../upkeep/ports/notifications.ts'
import type { Database } from './database.ts'
import * as sql from './queries/notifications.ts'

export function notificationCatalogue(database: Database): NotificationCatalogue {
  return {
    async look(signal) {
      const [look] = await database.run(sql.lookAtEvents, undefined, { signal, repeatable: true })
      assert(look, 'there is a row without a table')
      return look
    },
    listDueEvents: (query, signal) => database.run(sql.listDueEvents, query, { signal, repeatable: true }),
    async forgetEvents(eventIds, signal) {
      await database.run(sql.forgetEvents, eventIds, { signal, repeatable: true })
    },
    async postponeEvents(postponed, signal) {
      await database.run(sql.postponeEvents, postponed, { signal, repeatable: true })
    },
    async notifyEvents(order, signal) {
      await database.run(sql.notifyEvents, order, { signal, repeatable: true })
    },
    async dropEvents(limits, signal) {
      // Not sent again: what a first try has dropped would not be counted.
      const [dropped = 0] = await database.run(sql.dropEvents, limits, { signal, repeatable: false })
      return dropped
    },
  }
}
