/** Length of the window of a rate, in seconds. */
const WINDOW = 5;

/** Growth per second over the last 5 seconds, so that it follows a changing connection. */
export class Rate {
  readonly #samples: { seconds: number; amount: number }[] = [];

  /** Adds a sample: the amount reached at a time in seconds. */
  add(seconds: number, amount: number): void {
    this.#samples.push({ seconds, amount });
    // One sample older than the window stays, to measure from.
    while (this.#samples.length > 2 && this.#samples[1]!.seconds <= seconds - WINDOW) {
      this.#samples.shift();
    }
  }

  /** The amount per second; null until the samples span 0.2 seconds. */
  perSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.seconds - first.seconds < 0.2) return null;
    return (last.amount - first.amount) / (last.seconds - first.seconds);
  }

  /** Seconds until a total is reached; null while the rate is unknown or 0. */
  secondsTo(total: number): number | null {
    const rate = this.perSecond();
    const last = this.#samples.at(-1);
    return rate && rate > 0 && last ? Math.max(0, total - last.amount) / rate : null;
  }
}
