import { getWaveform } from '../api/tympan';
import { BAR, span, type View } from './geometry';
import { grown, type Part } from './grow';
import { MOST_COLUMNS } from './levels';

/** Levels are kept by the server for 20 ms each: columns are not narrower. */
const NARROWEST_COLUMN_MS = 20;
/** The newest sound is asked for again: its fragment was not ended. */
const AGAIN_MS = 2_000;

/** The waveform of a contact: all of it, and finer where the view is a part. */
export class Drawing {
  whole = $state.raw<Part | undefined>();
  detail = $state.raw<Part | undefined>();
  error = $state<unknown>();
  #isReading = false;
  #wanted: (() => Promise<void>) | undefined;

  constructor(
    private readonly id: string,
    private readonly signal: AbortSignal,
  ) {}

  /** How long a column is, so that each bar of a view has one at least. */
  static columnMs(width: number, milliseconds: number): number {
    const bars = Math.max(1, Math.ceil(width / BAR));
    const least = Math.max(NARROWEST_COLUMN_MS, milliseconds / MOST_COLUMNS);
    return Math.max(Math.ceil(least / NARROWEST_COLUMN_MS), Math.floor(milliseconds / bars / NARROWEST_COLUMN_MS)) * NARROWEST_COLUMN_MS;
  }

  /** Reads what a width and a view need; `view` and `axis` are in milliseconds on the axis of the audio. */
  look(width: number, view: View, axis: number): Promise<void> {
    return this.#inTurn(async () => {
      const columnMs = Drawing.columnMs(width, axis);
      if (!this.whole || this.whole.columnMs > columnMs || this.whole.columnMs * 4 < columnMs) await this.#readWhole(columnMs, axis);
      const audio = (this.whole?.Samples ?? 0) / 8;
      const fine = Drawing.columnMs(width, span(view));
      if (!this.whole || fine >= this.whole.columnMs || view.to <= 0 || view.from >= audio) this.detail = undefined;
      else if (!this.detail || this.detail.columnMs > fine || this.detail.columnMs * 4 < fine || this.detail.from > Math.max(0, view.from) || this.detail.to < Math.min(audio, view.to)) {
        await this.#readDetail(view, fine, audio);
      }
    });
  }

  /** Reads what was captured since. */
  grow(): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.whole;
      if (!before || before.columnMs * MOST_COLUMNS < before.Samples / 8 + 60_000) return;
      this.whole = await this.#readOn(before);
      const detail = this.detail;
      if (detail && detail.to >= before.to - AGAIN_MS) this.detail = await this.#readOn(detail);
    });
  }

  async #readOn(part: Part): Promise<Part> {
    const from = Math.max(part.from, Math.floor((part.to - AGAIN_MS) / part.columnMs) * part.columnMs + (part.from % part.columnMs));
    // What came meanwhile is not known before: there are some columns more than are needed.
    const columns = Math.min(MOST_COLUMNS, Math.ceil((part.to - from + 2 * AGAIN_MS) / part.columnMs) + 1);
    return grown(part, await getWaveform(this.id, columns, { signal: this.signal, from }), part.columnMs);
  }

  async #readWhole(columnMs: number, axis: number): Promise<void> {
    const columns = Math.max(1, Math.min(MOST_COLUMNS, Math.ceil(axis / columnMs)));
    this.whole = grown(undefined, await getWaveform(this.id, columns, { signal: this.signal }), columnMs);
    this.detail = undefined;
  }

  async #readDetail(view: View, columnMs: number, audio: number): Promise<void> {
    const align = (time: number): number => Math.floor(time / columnMs) * columnMs;
    const from = Math.max(0, align(view.from - span(view)));
    const to = Math.min(Math.ceil(audio), align(view.to + span(view)) + columnMs);
    const columns = Math.max(1, Math.min(MOST_COLUMNS, Math.ceil((to - from) / columnMs)));
    this.detail = grown(undefined, await getWaveform(this.id, columns, { signal: this.signal, from, to }), columnMs);
  }

  /** One request after the other; of those that wait, the last one. */
  async #inTurn(read: () => Promise<void>): Promise<void> {
    if (this.#isReading) {
      this.#wanted = read;
      return;
    }
    this.#isReading = true;
    try {
      await read();
      this.error = undefined;
    } catch (failure) {
      if (!this.signal.aborted) this.error = failure;
    }
    this.#isReading = false;
    const next = this.#wanted;
    this.#wanted = undefined;
    if (next && !this.signal.aborted) await this.#inTurn(next);
  }
}
