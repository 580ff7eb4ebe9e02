/** A stretch that was put out sample by sample, and a digest of its samples. */
export interface Played {
  from: number;
  to: number;
  digest: string;
}

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

const mix = (hash: number, sample: number): number => Math.imul(Math.imul(hash ^ (sample & 0xff), PRIME) ^ ((sample >> 8) & 0xff), PRIME);

/** FNV-1a of samples, as 32 bits in hexadecimal. */
export function digest(samples: Int16Array): string {
  let hash = OFFSET;
  for (const sample of samples) hash = mix(hash, sample);
  return hex(hash);
}

const hex = (hash: number): string => (hash >>> 0).toString(16).padStart(8, '0');

/** Digests what is put out, so that it can be compared with what was captured. It reads the output itself. */
export class Digest {
  /** The last stretch of full length. */
  last: Played | undefined;
  #from = 0;
  #to = -1;
  #hash = OFFSET;

  constructor(private readonly length = 4_000) {}

  /** `output` was put out for the samples from `position` on, unchanged. */
  add(position: number, output: Float32Array): void {
    if (position !== this.#to) this.#begin(position);
    for (const value of output) {
      this.#hash = mix(this.#hash, Math.round(value * 32_768));
      if (++this.#to - this.#from < this.length) continue;
      this.last = { from: this.#from, to: this.#to, digest: hex(this.#hash) };
      this.#begin(this.#to);
    }
  }

  /** What is put out now is no copy of samples. */
  break(): void {
    this.#to = -1;
  }

  #begin(position: number): void {
    this.#from = position;
    this.#to = position;
    this.#hash = OFFSET;
  }
}
