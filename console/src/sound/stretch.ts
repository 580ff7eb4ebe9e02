/** Plays faster or slower at the same pitch: waveform similarity overlap-add (Verhelst and Roelands, 1993). */

/** Samples of a frame: 30 ms at 8,000 Hz, two periods of a low voice. */
const FRAME = 240;
const HOP = FRAME / 2;
/** How far around its place a frame is looked for. */
const SEARCH = 80;
/** What has to be there around a place before a hop can be made of it. */
export const BEFORE = SEARCH;
export const AFTER = FRAME + HOP + SEARCH;

const WINDOW = Float32Array.from({ length: FRAME }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 0.5)) / FRAME));

export class Stretch {
  #tail = new Float32Array(HOP);
  /** Where the frame before would go on; undefined at the begin. */
  #natural: number | undefined;
  readonly #out = new Float32Array(HOP);
  readonly #source = new Float32Array(FRAME + 2 * SEARCH);
  readonly #reference = new Float32Array(HOP);

  /** Begins anew: the next frame follows nothing. */
  reset(): void {
    this.#natural = undefined;
    this.#tail.fill(0);
  }

  /** The next hop for a place of the source. The array is used again. */
  hop(place: number, read: (position: number) => number): Float32Array {
    const start = Math.round(place);
    for (let at = 0; at < this.#source.length; at++) this.#source[at] = read(start - SEARCH + at);
    let best = SEARCH;
    if (this.#natural !== undefined) {
      for (let at = 0; at < HOP; at++) this.#reference[at] = read(this.#natural + at);
      best = this.#mostAlike();
    }
    for (let at = 0; at < HOP; at++) {
      const [rising, falling] = [WINDOW[at] ?? 0, WINDOW[at + HOP] ?? 0];
      const first = (this.#source[best + at] ?? 0) * (this.#natural === undefined ? 1 : rising);
      this.#out[at] = Math.max(-1, Math.min(1, first + (this.#tail[at] ?? 0)));
      this.#tail[at] = (this.#source[best + HOP + at] ?? 0) * falling;
    }
    this.#natural = start - SEARCH + best + HOP;
    return this.#out;
  }

  /** The offset at which the source is most like what would follow; normalized, so that loud places do not win. */
  #mostAlike(): number {
    let [best, bestLike] = [SEARCH, -Infinity];
    for (let offset = 0; offset <= 2 * SEARCH; offset++) {
      let [dot, energy] = [0, 1e-9];
      for (let at = 0; at < HOP; at++) {
        const value = this.#source[offset + at] ?? 0;
        dot += value * (this.#reference[at] ?? 0);
        energy += value * value;
      }
      const like = dot / Math.sqrt(energy);
      if (like > bestLike + 1e-12) [best, bestLike] = [offset, like];
    }
    return best;
  }
}

export const HOP_SAMPLES = HOP;
