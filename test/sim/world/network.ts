import type { Chance } from './chance.ts'
import type { Timeline } from './timeline.ts'
import type { Weather } from './weather.ts'

/** Longer than anybody waits for an answer, ms. */
const LATE_MS = { min: 9_000, max: 25_000 }
const USUAL_MS = { min: 0.1, max: 1 }
const SLOW_MS = { min: 1, max: 150 }
/** So many messages are slow, and overtaken by others. */
const SLOW_SHARE = 0.05

/** Carries messages between processes, each by itself: they overtake one another. */
export class Network {
  weather: Weather
  readonly #timeline: Timeline
  readonly #chance: Chance
  readonly #cuts = new Set<string>()

  constructor(timeline: Timeline, chance: Chance, weather: Weather) {
    this.#timeline = timeline
    this.#chance = chance
    this.weather = weather
  }

  /** One way. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`)
  }

  healCuts(): void {
    this.#cuts.clear()
  }

  send(from: string, to: string, arrive: () => void): void {
    const { lost, twice } = this.weather
    if (this.#cuts.has(`${from}>${to}`) || this.#chance.happens(lost)) return
    this.#timeline.after(this.#delayMs(), arrive)
    if (this.#chance.happens(twice)) this.#timeline.after(this.#delayMs(), arrive)
  }

  /** On a stream nothing is late, doubled or overtaken: it breaks. Answers whether it did. */
  async carry(from: string, to: string): Promise<boolean> {
    await this.#timeline.pause(this.#chance.between(USUAL_MS.min, USUAL_MS.max))
    return !this.#cuts.has(`${from}>${to}`) && !this.#chance.happens(this.weather.lost)
  }

  #delayMs(): number {
    const chance = this.#chance
    if (chance.happens(this.weather.late)) return chance.between(LATE_MS.min, LATE_MS.max)
    const { min, max } = chance.happens(SLOW_SHARE) ? SLOW_MS : USUAL_MS
    return chance.between(min, max)
  }
}
