import { readSound } from './frame';
import { JitterRing } from './jitter';
import { Past, type Range } from './past';
import { Digest, type Played } from './played';

/** What the page, and the worker of a call that is listened to, say to the worklet. */
export type Order =
  | { type: 'line'; port: MessagePort }
  | { type: 'past'; run: number; tracks: number; position: number }
  | { type: 'seek'; position: number }
  | { type: 'fill'; run: number; track: number; position: number; samples: Int16Array }
  | { type: 'keep'; track: number; range: Range }
  | { type: 'set'; speed: number; heard: boolean[]; loop: Range | undefined; skips: Range[]; end: number; isGrowing: boolean }
  | { type: 'live'; run: number; tracks: number; heard: boolean[] }
  | { type: 'hear'; heard: boolean[] }
  | { type: 'frame'; buffer: ArrayBuffer }
  | { type: 'clock'; offsetMicros: number }
  | { type: 'paused'; isPaused: boolean }
  | { type: 'stop' };

/** What the worklet tells the page. */
export interface Report {
  run: number;
  /** The sample that comes next. */
  position: number | undefined;
  isWaiting: boolean;
  isOver: boolean;
  /** Root mean square of what was put out since the last report. */
  level: number;
  played: Played | undefined;
  live: { latencyMs: number | undefined; p50Ms: number | undefined; maxMs: number | undefined; underruns: number; moves: number; late: number } | undefined;
}

/** What the worklet does, without the browser's part of it. */
export class Engine {
  #run = 0;
  #past: Past | undefined;
  #live: JitterRing | undefined;
  #heard: boolean[] = [];
  #offsetMicros = 0;
  #digest = new Digest();
  #energy = 0;
  #samples = 0;

  do(order: Exclude<Order, { type: 'line' }>): void {
    switch (order.type) {
      case 'past':
        this.#begin(order.run);
        this.#past = new Past(order.tracks, order.position);
        break;
      case 'live':
        this.#begin(order.run);
        this.#live = new JitterRing(order.tracks);
        this.#heard = order.heard;
        break;
      case 'stop':
        this.#begin(0);
        break;
      case 'fill':
        if (order.run === this.#run) this.#past?.pages[order.track]?.write(order.position, order.samples);
        break;
      case 'keep':
        this.#past?.pages[order.track]?.keep(order.range);
        break;
      case 'seek':
        this.#past?.seek(order.position);
        break;
      case 'set':
        if (this.#past) {
          const { heard, loop, skips, end, isGrowing } = order;
          if (heard.some((one, track) => one !== this.#past?.heard[track])) this.#digest = new Digest();
          this.#past.setSpeed(order.speed);
          Object.assign(this.#past, { heard, loop, skips, end, isGrowing });
        }
        break;
      case 'hear':
        this.#heard = order.heard;
        this.#digest = new Digest();
        break;
      case 'frame': {
        const frame = readSound(order.buffer);
        if (frame) this.#live?.write(frame);
        break;
      }
      case 'clock':
        this.#offsetMicros = order.offsetMicros;
        break;
      case 'paused':
        if (this.#live) this.#live.isPaused = order.isPaused;
        break;
    }
  }

  #begin(run: number): void {
    this.#run = run;
    this.#past = undefined;
    this.#live = undefined;
    this.#digest = new Digest();
  }

  /** Puts out a block; `nowMicros` is this machine's clock. */
  render(output: Float32Array, nowMicros: number): void {
    let position: number | undefined;
    if (this.#past) position = this.#past.read(output);
    else if (this.#live) {
      const head = this.#live.head;
      if (this.#live.read(output, this.#heard, nowMicros + this.#offsetMicros)) position = head;
    } else output.fill(0);
    if (position === undefined) this.#digest.break();
    else this.#digest.add(position, output);
    for (const value of output) this.#energy += value * value;
    this.#samples += output.length;
  }

  report(): Report {
    const [past, live] = [this.#past, this.#live];
    const level = this.#samples === 0 ? 0 : Math.sqrt(this.#energy / this.#samples);
    [this.#energy, this.#samples] = [0, 0];
    return {
      run: this.#run,
      position: past?.head ?? live?.head,
      isWaiting: past?.isWaiting ?? false,
      isOver: past?.isOver ?? false,
      level,
      played: this.#digest.last,
      live: live && {
        latencyMs: live.latency, p50Ms: live.quantile(0.5), maxMs: live.quantile(1), underruns: live.underruns, moves: live.moves, late: live.late,
      },
    };
  }
}
