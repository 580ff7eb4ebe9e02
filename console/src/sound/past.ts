import { AFTER, BEFORE, HOP_SAMPLES, Stretch } from './stretch';

/** Samples of a page: a second. */
const PAGE = 8_000;

interface Page {
  samples: Int16Array;
  from: number;
  to: number;
}

/** A stretch of the axis, in samples. */
export interface Range {
  from: number;
  to: number;
}

/** What has been read of a track, in pages of a second. */
export class Pages {
  readonly #pages = new Map<number, Page>();

  write(position: number, samples: Int16Array): void {
    for (let done = 0; done < samples.length; ) {
      const [index, at] = [Math.floor((position + done) / PAGE), (position + done) % PAGE];
      const length = Math.min(PAGE - at, samples.length - done);
      const page = this.#pages.get(index) ?? { samples: new Int16Array(PAGE), from: at, to: at };
      page.samples.set(samples.subarray(done, done + length), at);
      // What does not touch what is there replaces it.
      if (at > page.to || at + length < page.from) [page.from, page.to] = [at, at + length];
      else [page.from, page.to] = [Math.min(page.from, at), Math.max(page.to, at + length)];
      this.#pages.set(index, page);
      done += length;
    }
  }

  has(position: number): boolean {
    const page = this.#pages.get(Math.floor(position / PAGE));
    return page !== undefined && position % PAGE >= page.from && position % PAGE < page.to;
  }

  hasAll({ from, to }: Range): boolean {
    for (let at = from; at < to; ) {
      if (!this.has(at) || !this.has(Math.min(to, (Math.floor(at / PAGE) + 1) * PAGE) - 1)) return false;
      at = (Math.floor(at / PAGE) + 1) * PAGE;
    }
    return true;
  }

  at(position: number): number {
    return this.#pages.get(Math.floor(position / PAGE))?.samples[position % PAGE] ?? 0;
  }

  /** Forgets pages that lie outside of a range. */
  keep({ from, to }: Range): void {
    for (const index of this.#pages.keys()) if ((index + 1) * PAGE <= from || index * PAGE >= to) this.#pages.delete(index);
  }

  clear(): void {
    this.#pages.clear();
  }

  get size(): number {
    return this.#pages.size;
  }
}

/** Plays what was captured, from pages that are read ahead. */
export class Past {
  readonly pages: Pages[];
  speed = 1;
  heard: boolean[];
  /** Stretches that are not played, in their order. */
  skips: readonly Range[] = [];
  loop: Range | undefined;
  /** The end of what there is. */
  end = 0;
  /** Whether more is to come at the end. */
  isGrowing = false;
  /** Whether it waits for pages. */
  isWaiting = false;
  isOver = false;
  #head: number;
  readonly #stretch = new Stretch();
  readonly #rest = new Float32Array(HOP_SAMPLES);
  #restLength = 0;

  constructor(tracks: number, head: number) {
    this.pages = Array.from({ length: tracks }, () => new Pages());
    this.heard = new Array<boolean>(tracks).fill(true);
    this.#head = head;
  }

  get head(): number {
    return Math.round(this.#head);
  }

  seek(position: number): void {
    this.#head = position;
    this.#forget();
    this.isOver = false;
  }

  setSpeed(speed: number): void {
    if ((speed === 1) !== (this.speed === 1)) this.#forget();
    this.speed = speed;
  }

  #forget(): void {
    this.#stretch.reset();
    this.#restLength = 0;
  }

  /** Puts out a block. The position of its first sample where it is a copy of samples. */
  read(output: Float32Array): number | undefined {
    output.fill(0);
    this.#jump();
    this.isWaiting = false;
    if (this.#head >= this.end) {
      this.isOver = !this.isGrowing;
      this.isWaiting = this.isGrowing;
      return undefined;
    }
    return this.speed === 1 ? this.#copy(output) : this.#stretchInto(output);
  }

  /** Goes over silence, and back at the end of a loop. */
  #jump(): void {
    const before = this.#head;
    if (this.loop && this.#head >= this.loop.to) this.#head = this.loop.from;
    const skip = this.skips.find(({ from, to }) => this.#head >= from && this.#head < to);
    if (skip) this.#head = this.loop && this.loop.to <= skip.to && this.loop.from < skip.from ? this.loop.from : skip.to;
    if (this.#head !== before) this.#forget();
  }

  #isThere(range: Range): boolean {
    const wanted = { from: Math.max(0, range.from), to: Math.min(this.end, range.to) };
    return this.pages.every((pages, track) => !this.heard[track] || pages.hasAll(wanted));
  }

  #mixed = (position: number): number => {
    if (position < 0 || position >= this.end) return 0;
    let sum = 0;
    for (let track = 0; track < this.pages.length; track++) if (this.heard[track]) sum += this.pages[track]?.at(position) ?? 0;
    return Math.max(-32_768, Math.min(32_767, sum)) / 32_768;
  };

  #copy(output: Float32Array): number | undefined {
    const from = this.head;
    const stop = Math.min(from + output.length, this.end, this.loop && this.loop.to > from ? this.loop.to : Infinity);
    if (!this.#isThere({ from, to: stop })) {
      this.isWaiting = true;
      return undefined;
    }
    for (let at = from; at < stop; at++) output[at - from] = this.#mixed(at);
    this.#head = stop;
    return stop - from === output.length ? from : undefined;
  }

  #stretchInto(output: Float32Array): undefined {
    for (let done = 0; done < output.length; ) {
      if (this.#restLength === 0) {
        if (this.#head >= this.end) return undefined;
        const place = this.head;
        if (!this.#isThere({ from: place - BEFORE, to: place + AFTER })) {
          this.isWaiting = done === 0;
          return undefined;
        }
        this.#rest.set(this.#stretch.hop(place, this.#mixed));
        this.#restLength = HOP_SAMPLES;
        this.#head += HOP_SAMPLES * this.speed;
      }
      const length = Math.min(this.#restLength, output.length - done);
      const from = HOP_SAMPLES - this.#restLength;
      output.set(this.#rest.subarray(from, from + length), done);
      this.#restLength -= length;
      done += length;
    }
    return undefined;
  }
}
