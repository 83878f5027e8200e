/** Numbered keys below a prefix, of which those from `first` to before `next` were written. */
export class KeyRange {
  readonly prefix: string
  first = 0
  next = 0

  constructor(prefix: string) {
    this.prefix = prefix
  }

  get count(): number {
    return this.next - this.first
  }

  /** Ten digits, so that keys sort as their numbers. */
  key(n: number): string {
    return `${this.prefix}${String(n).padStart(10, '0')}`
  }

  /** One that is to be written. */
  add(): string {
    return this.key(this.next++)
  }

  /** The oldest, which is to be deleted; undefined: there is none. */
  take(): string | undefined {
    return this.count > 0 ? this.key(this.first++) : undefined
  }
}
