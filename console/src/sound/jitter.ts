import type { SoundFrame } from './frame';

/** Samples that the ring holds of a track: 2 s. */
const CAPACITY = 16_384;
const MASK = CAPACITY - 1;
const PER_MS = 8;
/** How much is waited for before the first sample is heard. */
const TARGET_MS = 70;
const MOST_TARGET_MS = 160;
/** Each underrun asks for so much more, and a quiet minute gives it back. */
const STEP_MS = 20;
const QUIET_BLOCKS = 3_750;
/** The ring is looked at once a second: blocks of 16 ms. */
const LOOK_BLOCKS = 62;
/** Two places of the sound are joined over so many samples. */
const FADE = 40;
const LATENCIES = 2_000;
/** A track whose last sample is older has stopped: it is not waited for. */
const STOPPED = 200 * PER_MS;

/** The sound of a call that is up, between the network and the loudspeaker. Positions are samples on the axis of the contact's audio. */
export class JitterRing {
  underruns = 0;
  /** Times that the place was moved on or back, because the clocks of two machines differ. */
  moves = 0;
  /** Frames that came after their time. */
  late = 0;
  isPaused = false;
  /** The position of the next sample that is put out. */
  head: number | undefined;
  /** The mean of the last second, in ms. */
  latency: number | undefined;
  readonly #tracks: Int16Array[];
  readonly #ends: number[];
  readonly #arrivals: { end: number; micros: number }[] = [];
  readonly #histogram = new Uint32Array(LATENCIES);
  #latest: { at: number; ms: number }[] = [];
  #target = TARGET_MS * PER_MS;
  #isFilling = true;
  #isStarved = false;
  #lowest = Infinity;
  #blocks = 0;
  #sinceUnderrun = 0;
  #move = 0;

  constructor(tracks: number) {
    this.#tracks = Array.from({ length: tracks }, () => new Int16Array(CAPACITY));
    this.#ends = new Array<number>(tracks).fill(-1);
  }

  /** Up to where every heard track that goes on has samples. */
  #lead(heard: readonly boolean[]): number {
    const newest = Math.max(...this.#ends);
    let lead = newest;
    this.#ends.forEach((end, track) => {
      if (heard[track] && end > newest - STOPPED) lead = Math.min(lead, end);
    });
    return lead;
  }

  write({ track, isAfterHole, position, arrivedMicros, samples }: SoundFrame): void {
    const ring = this.#tracks[track];
    if (!ring || samples.length === 0 || samples.length > CAPACITY / 2) return;
    const end = position + samples.length;
    if (this.head === undefined || end - this.head > CAPACITY - 1_024 || position < this.head - CAPACITY) this.#begin(position);
    const before = this.#ends[track] ?? -1;
    if (this.#isStarved) {
      this.#isStarved = false;
      // A telephone that sent nothing left a hole: the browser did not run out of sound.
      if (isAfterHole || position > before || this.isPaused) this.head = Math.max(this.head ?? position, position);
      else this.#countUnderrun();
    }
    if (end <= (this.head ?? 0)) this.late++;
    if (before >= 0) for (let at = Math.max(before, position - CAPACITY); at < position; at++) ring[at & MASK] = 0;
    else ring.fill(0);
    for (let at = 0; at < samples.length; at++) ring[(position + at) & MASK] = samples[at] ?? 0;
    this.#ends[track] = Math.max(before, end);
    this.#arrivals.push({ end, micros: arrivedMicros });
    if (this.#arrivals.length > 256) this.#arrivals.shift();
  }

  #begin(position: number): void {
    this.head = position;
    this.#isFilling = true;
    this.#isStarved = false;
    this.#arrivals.length = 0;
    this.#ends.fill(-1);
    this.#move = 0;
  }

  #countUnderrun(): void {
    this.underruns++;
    this.#sinceUnderrun = 0;
    this.#target = Math.min(MOST_TARGET_MS * PER_MS, this.#target + STEP_MS * PER_MS);
  }

  /** Puts out a block. True where it is a copy of samples from the former head on. */
  read(output: Float32Array, heard: readonly boolean[], nowMicros: number): boolean {
    output.fill(0);
    if (this.head === undefined) return false;
    const lead = this.#lead(heard);
    if (this.#isFilling) {
      if (lead - this.head < this.#target) return false;
      this.#isFilling = false;
      // The server begins with the fragment that is open: up to a second of the past, which is not waited for.
      if (lead - this.head > 2 * this.#target) this.head = lead - this.#target;
      this.#lowest = Infinity;
    }
    const head = this.head;
    if (lead < head + output.length) {
      this.#isStarved = true;
      this.#isFilling = true;
      return false;
    }
    const moved = head + this.#move;
    const isMove = this.#move !== 0 && moved >= 0 && moved + output.length <= lead;
    for (let at = 0; at < output.length; at++) {
      const value = this.#at((isMove ? moved : head) + at, heard);
      // A move goes over from the old place to the new one.
      output[at] = isMove && at < FADE ? (this.#at(head + at, heard) * (FADE - at) + value * at) / FADE : value;
    }
    if (isMove) this.moves++;
    this.#move = 0;
    this.head = (isMove ? moved : head) + output.length;
    this.#measure(nowMicros);
    this.#look(lead);
    return !isMove;
  }

  #at(position: number, heard: readonly boolean[]): number {
    let sum = 0;
    for (let track = 0; track < this.#tracks.length; track++) {
      if (heard[track] && position < (this.#ends[track] ?? -1)) sum += this.#tracks[track]?.[position & MASK] ?? 0;
    }
    return Math.max(-32_768, Math.min(32_767, sum)) / 32_768;
  }

  #measure(nowMicros: number): void {
    let micros: number | undefined;
    for (let first = this.#arrivals[0]; first && first.end <= (this.head ?? 0); first = this.#arrivals[0]) {
      micros = first.micros;
      this.#arrivals.shift();
    }
    if (micros === undefined) return;
    const ms = (nowMicros - micros) / 1_000;
    const bucket = Math.max(0, Math.min(LATENCIES - 1, Math.round(ms)));
    this.#histogram[bucket] = (this.#histogram[bucket] ?? 0) + 1;
    this.#latest.push({ at: nowMicros, ms });
    this.#latest = this.#latest.filter(({ at }) => nowMicros - at < 1_000_000);
    this.latency = this.#latest.reduce((sum, one) => sum + one.ms, 0) / this.#latest.length;
  }

  /** A share of all latencies lies at or below this many ms. */
  quantile(share: number): number | undefined {
    const total = this.#histogram.reduce((sum, count) => sum + count, 0);
    if (total === 0) return undefined;
    let seen = 0;
    for (let ms = 0; ms < LATENCIES; ms++) {
      seen += this.#histogram[ms] ?? 0;
      if (seen >= total * share) return ms;
    }
    return LATENCIES;
  }

  /** Moves on where more waits than is needed, and back before it runs out. */
  #look(lead: number): void {
    const level = lead - (this.head ?? 0);
    this.#lowest = Math.min(this.#lowest, level);
    if (++this.#sinceUnderrun % QUIET_BLOCKS === 0) this.#target = Math.max(TARGET_MS * PER_MS, this.#target - STEP_MS * PER_MS);
    if (level > this.#target + 250 * PER_MS) {
      this.#move = level - this.#target;
      this.#lowest = Infinity;
      return;
    }
    if (++this.#blocks % LOOK_BLOCKS !== 0) return;
    const wanted = this.#target - 36 * PER_MS;
    if (this.#lowest > wanted + 24 * PER_MS) this.#move = this.#lowest - wanted;
    else if (this.#lowest < 8 * PER_MS) this.#move = -10 * PER_MS;
    this.#lowest = Infinity;
  }
}
