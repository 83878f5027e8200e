/** Where all gateways learn which of the store's master keys is the newest. src/meta implements it. */
export interface KeyGenerations {
  /** From 1 on; grows by one with each rotation. */
  currentGeneration(signal: AbortSignal): Promise<number>
}
