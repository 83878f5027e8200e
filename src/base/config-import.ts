import { bytes, integer, seconds } from './config-kinds.ts'
import { GIB, inGroup, MIB } from './config-setting.ts'

const imports = inGroup('Import')

/** Settings of `sextant import` (docs/migrate.md). */
export const importSettings = {
  importConcurrency: imports({
    name: 'SEXTANT_IMPORT_CONCURRENCY',
    kind: integer({ min: 1, max: 256 }),
    default: '16',
    readBy: ['command'],
    about:
      'How many objects, or parts of large ones, `sextant import` copies at once. Versions of one key are always copied one after the other.',
  }),
  importAttempts: imports({
    name: 'SEXTANT_IMPORT_ATTEMPTS',
    kind: integer({ min: 1, max: 100 }),
    default: '6',
    readBy: ['command'],
    about:
      'How often `sextant import` tries a key, a part or a page of a listing before it gives it up; a source that is away for longer is asked again by the next run.',
  }),
  importRetryMs: imports({
    name: 'SEXTANT_IMPORT_RETRY_SECONDS',
    kind: seconds({ min: 0.001, max: 60 }),
    default: '0.5',
    readBy: ['command'],
    about:
      'How long `sextant import` waits before its second attempt; twice as long before each further one, up to a minute, and each time up to a half less, by chance.',
  }),
  importIdleMs: imports({
    name: 'SEXTANT_IMPORT_IDLE_SECONDS',
    kind: seconds({ min: 0.1, max: 3600 }),
    default: '60',
    readBy: ['command'],
    about:
      'A request of `sextant import` for which not a byte travels for so long is given up, and made again: longer than a source takes to find an object.',
  }),
  importPartBytes: imports({
    name: 'SEXTANT_IMPORT_PART_BYTES',
    kind: bytes({ min: 5 * MIB, max: 5 * GIB }),
    default: '64 MiB',
    readBy: ['command'],
    about:
      'In parts of which size `sextant import` writes an object that is too large for one PUT, and that the source does not give in parts of its own.',
  }),
} as const
