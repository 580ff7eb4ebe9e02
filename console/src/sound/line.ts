import { ServerClock } from './clock';
import type { Order } from './engine';
import { readSaid, type Said } from './frame';

/** What the page asks of the worker. */
export type LineOrder =
  | { type: 'open'; address: string; run: number; heard: Record<string, boolean>; sound: MessagePort }
  | { type: 'close' };

/** What the worker tells the page. */
export type LineWord = { type: 'said'; said: Said } | { type: 'closed'; code: number };

/** What of a WebSocket is used. */
export type Socket = Pick<WebSocket, 'readyState' | 'send' | 'close'> & {
  onmessage: ((event: MessageEvent<ArrayBuffer | string>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
};

const PINGS_MS = [50, 100, 200, 400, 800];
const PING_EVERY_MS = 2_000;
const OPEN = 1;

/**
 * The connection of a call that is listened to: its sound goes to the worklet, and what is said of it to the page. It lives in a
 * worker of its own, so that a page that is busy holds up no sound.
 */
export class Line {
  readonly #clock = new ServerClock();
  readonly #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(
    private readonly socket: Socket,
    private readonly run: number,
    private readonly heard: Readonly<Record<string, boolean>>,
    private readonly toSound: (order: Order, transfer: Transferable[]) => void,
    private readonly toPage: (word: LineWord) => void,
  ) {
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') toSound({ type: 'frame', buffer: data }, [data]);
      else this.#read(data);
    };
    socket.onclose = ({ code }) => {
      this.#rest();
      toPage({ type: 'closed', code });
    };
  }

  close(): void {
    this.#rest();
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
  }

  #rest(): void {
    // A timer is cleared by either, whichever began it.
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.length = 0;
  }

  #read(text: string): void {
    const said = readSaid(text);
    if (!said) return;
    if (said.Type === 'Begin') {
      this.#clock.begin(said.NowMicroseconds, Date.now());
      this.toSound({ type: 'live', run: this.run, tracks: said.Tracks.length, heard: said.Tracks.map((track) => this.heard[track] ?? false) }, []);
      this.#tellClock();
      this.#timers.push(...PINGS_MS.map((after) => setTimeout(() => this.#ping(), after)), setInterval(() => this.#ping(), PING_EVERY_MS));
    }
    if (said.Type === 'Paused' || said.Type === 'Resumed') this.toSound({ type: 'paused', isPaused: said.Type === 'Paused' }, []);
    if (said.Type === 'Pong') {
      this.#clock.answer(said.Id, said.NowMicroseconds, Date.now());
      this.#tellClock();
    } else this.toPage({ type: 'said', said });
  }

  #ping(): void {
    if (this.socket.readyState === OPEN) this.socket.send(this.#clock.ask(Date.now()));
  }

  #tellClock(): void {
    this.toSound({ type: 'clock', offsetMicros: this.#clock.offsetMicros }, []);
  }
}
