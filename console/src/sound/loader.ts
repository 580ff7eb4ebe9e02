import type { Range } from './past';

/** Samples of one request. Each is a line of the audit file. */
const WINDOW = 30 * 8_000;
/** The first request is short, so that sound begins soon. */
const FIRST_WINDOW = 10 * 8_000;
/** What is kept behind the playhead. */
const KEPT_BEHIND = 60 * 8_000;
const RETRY_MS = 500;

export type ReadTrack = (range: { from: number; to: number }, signal: AbortSignal) => AsyncIterable<{ position: number; samples: Int16Array }>;

/** Reads a track ahead of the playhead, one request after the other. */
export class TrackLoader {
  /** What is there, without a hole. */
  have: Range = { from: 0, to: 0 };
  #abort: AbortController | undefined;
  /** The end of the request that runs. */
  #until = 0;
  #notBefore = 0;

  constructor(
    private readonly read: ReadTrack,
    private readonly put: (position: number, samples: Int16Array) => void,
    private readonly forget: (range: Range) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Sees to it that there is sound from `position` on, `ahead` samples of it, as far as `end`. */
  want(position: number, ahead: number, end: number): void {
    if (position < this.have.from || position > Math.max(this.have.to, this.#until)) {
      this.stop();
      this.have = { from: position, to: position };
      this.forget({ from: 0, to: 0 });
    }
    if (position - this.have.from > 2 * KEPT_BEHIND) {
      this.have.from = position - KEPT_BEHIND;
      this.forget({ from: this.have.from, to: Infinity });
    }
    if (this.#abort || this.have.to >= end || this.have.to - position >= ahead || Date.now() < this.#notBefore) return;
    const from = this.have.to;
    void this.#load(from, Math.min(end, from + (from === position ? FIRST_WINDOW : WINDOW)));
  }

  async #load(from: number, to: number): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    this.#until = to;
    try {
      // The service counts milliseconds: the request may begin some samples before.
      for await (const { position, samples } of this.read({ from: Math.floor(from / 8), to: Math.ceil(to / 8) }, abort.signal)) {
        if (abort.signal.aborted) return;
        const known = Math.max(0, this.have.to - position);
        if (known >= samples.length || position > this.have.to) continue;
        this.put(this.have.to, samples.slice(known));
        this.have.to = position + samples.length;
      }
      if (this.have.to < to) this.#notBefore = Date.now() + RETRY_MS;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#notBefore = Date.now() + 4 * RETRY_MS;
      this.failed(error);
    } finally {
      if (this.#abort === abort) {
        this.#abort = undefined;
        this.#until = 0;
      }
    }
  }

  /** Ends the request that runs. */
  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.#until = 0;
    this.#notBefore = 0;
  }
}
