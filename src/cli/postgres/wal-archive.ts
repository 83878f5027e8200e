/**
 * PostgreSQL's settings for copies of its WAL in a directory: a gzip file a segment, each whole and synced before it has its
 * name. https://www.postgresql.org/docs/current/continuous-archiving.html
 */
export function archiveSettings(directory: string): Record<string, string> {
  const file = `${quoted(directory)}/%f.gz`
  // A segment that is there already is fine if it is the same: the answer of the first try may have been lost in a crash.
  const isSame = `gzip -dc ${file} | cmp -s - %p`
  const copy = `gzip -1 <%p >${file}.new && sync ${file}.new && mv ${file}.new ${file} && sync ${quoted(directory)}`
  return {
    archive_mode: 'on',
    archive_command: `if [ -e ${file} ]; then ${isSame}; else ${copy}; fi`,
    // What is lost at most when the data directory is lost: what was written in so many seconds.
    archive_timeout: '60',
  }
}

/** How far a base backup is brought: its own end, the end of the archive, or a moment (ISO 8601, UTC). */
export type RecoveryTarget = 'end of the backup' | 'latest' | { time: string }

/**
 * For a server that starts with recovery.signal beside a base backup. It always takes a new timeline, so that its WAL is
 * never taken for that of the time that is given up.
 */
export function recoverySettings(archive: string | undefined, target: RecoveryTarget): Record<string, string> {
  const file = archive && `${quoted(archive)}/%f.gz`
  return {
    restore_command: file ? `[ -e ${file} ] && gzip -dc ${file} >%p` : 'false',
    recovery_target_action: 'promote',
    // Ready means that it may be written to, not that it may be read on the way.
    hot_standby: 'off',
    ...(target === 'end of the backup' && { recovery_target: 'immediate' }),
    // Names of time zones, and be it «Z», are not known yet when PostgreSQL reads this.
    ...(typeof target === 'object' && { recovery_target_time: target.time.replace('Z', '+00') }),
  }
}

/** For the shell, within a setting in which % means something. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`
}
