import { SvelteMap } from 'svelte/reactivity';
import { getWaveform } from '../api/tympan';
import { account, gaps, type Account } from '../waveform/gaps';
import { FROM_CUSTOMER, levels } from '../waveform/levels';
import type { Lane } from '../waveform/draw';

/** What a list shows of the sound of a call. */
export interface Shape {
  lane: Lane;
  account: Account;
  at: number;
}

const AT_ONCE = 2;
const KEPT = 2_000;
const COLUMNS = 128;

/** Drawings of calls for lists, asked for as their rows come into view, a few at a time. */
export class Shapes {
  readonly byId = new SvelteMap<string, Shape | 'none'>();
  #waiting: string[] = [];
  #running = 0;

  /** Asks for a drawing unless it is there and not older than `maxAge`. */
  want(id: string, maxAge = Infinity): void {
    const known = this.byId.get(id);
    if (known === 'none' && maxAge === Infinity) return;
    if (known && known !== 'none' && Date.now() - known.at < maxAge) return;
    if (this.#waiting.includes(id)) return;
    this.#waiting.push(id);
    // Rows that were scrolled by long ago need no drawing.
    if (this.#waiting.length > 60) this.#waiting.shift();
    this.#next();
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const id = this.#waiting.pop();
      if (id === undefined) return;
      this.#running++;
      void this.#read(id).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  async #read(id: string): Promise<void> {
    try {
      const waveform = await getWaveform(id, COLUMNS);
      const track = waveform.Tracks.find((one) => one.Name === FROM_CUSTOMER) ?? waveform.Tracks[0];
      const length = waveform.Samples / 8;
      if (!track || length === 0) this.byId.set(id, 'none');
      else {
        const lane = { view: { from: 0, to: length }, levels: levels(track, length), offset: 0, gaps: gaps(track.Spans, 0), isShape: true };
        this.byId.set(id, { lane, account: account(waveform), at: Date.now() });
      }
    } catch {
      this.byId.set(id, 'none');
    }
    if (this.byId.size > KEPT) {
      const oldest = this.byId.keys().next().value;
      if (oldest !== undefined) this.byId.delete(oldest);
    }
  }
}
