/** Seconds a rate looks back. */
const WINDOW = 5;

/** How fast something grows: over the last seconds, so that it follows a line that changes. */
export class Rate {
  readonly #samples: { seconds: number; amount: number }[] = [];

  /** Takes the amount that is reached at a time in seconds. */
  add(seconds: number, amount: number): void {
    this.#samples.push({ seconds, amount });
    // One sample older than the window stays, to measure from.
    while (this.#samples.length > 2 && this.#samples[1]!.seconds <= seconds - WINDOW) {
      this.#samples.shift();
    }
  }

  /** The amount a second; null before it can be told. */
  perSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.seconds - first.seconds < 0.2) return null;
    return (last.amount - first.amount) / (last.seconds - first.seconds);
  }

  /** Seconds until a total is reached; null before it can be told. */
  secondsTo(total: number): number | null {
    const rate = this.perSecond();
    const last = this.#samples.at(-1);
    return rate && rate > 0 && last ? Math.max(0, total - last.amount) / rate : null;
  }
}
