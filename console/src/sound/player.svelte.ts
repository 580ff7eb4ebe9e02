import { listeningAddress, readAudio, whyNotListening } from '../api/sound';
import { ApiError } from '../api/request';
import { delay } from '../state/frames';
import { within } from '../state/within';
import { FROM_CUSTOMER, TO_CUSTOMER } from '../waveform/levels';
import type { Order, Report } from './engine';
import type { Said } from './frame';
import type { LineOrder, LineWord } from './line';
import lineAddress from './line.worker.ts?worker&url';
import { TrackLoader } from './loader';
import type { Range } from './past';
import type { Played } from './played';
import { BEFORE } from './stretch';
import workletAddress from './ring.worklet.ts?worker&url';

export const TRACKS = [FROM_CUSTOMER, TO_CUSTOMER] as const;
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3] as const;

/** What is read ahead at a speed of 1. */
const AHEAD = 15 * 8_000;
const MOST_FAILURES = 5;
/** How long a browser may take to start its sound output, and how often it is asked to. */
const START_MS = 8_000;
const ATTEMPTS = 2;
const NOT_STARTED = 'The browser did not start its sound output. Press the button again; if that does not help, look at its sound device.';

export type Mode = 'off' | 'starting' | 'playing' | 'connecting' | 'listening' | 'reconnecting';

/** What there is to play. */
export interface Shape {
  /** Samples on the axis of the audio. */
  samples: number;
  isGrowing: boolean;
  /** What is left out while silence is skipped. */
  skips: readonly Range[];
}

/** The sound of a contact: its past, or a call that is up, and never both. Positions are samples on the axis of its audio. */
export class Player {
  mode = $state<Mode>('off');
  position = $state<number | undefined>();
  isWaiting = $state(false);
  speed = $state(1);
  /** By track: from the customer, to the customer. */
  heard = $state.raw<readonly boolean[]>([true, false]);
  loop = $state.raw<Range | undefined>();
  isSkipping = $state(false);
  /** Root mean square of what is heard now. */
  level = $state(0);
  live = $state.raw<Report['live']>();
  played = $state.raw<Played | undefined>();
  error = $state<unknown>();
  /** Why it stopped, where that is no error. */
  notice = $state('');
  isPaused = $state(false);
  /** The contact that goes on with the call that was listened to. */
  next = $state<string | undefined>();
  #shape: Shape = { samples: 0, isGrowing: false, skips: [] };
  #context: AudioContext | undefined;
  #node: AudioWorkletNode | undefined;
  #run = 0;
  #loaders: (TrackLoader | undefined)[] = [];
  #line: Worker | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isClosed = false;
  /** Tracks of the call that is up, in their order. */
  #liveTracks: readonly string[] = [];

  /** `onstop` is called where the sound ended by itself. */
  constructor(
    private readonly id: string,
    private readonly onstop: (position: number | undefined) => void = () => {},
  ) {}

  get isOn(): boolean {
    return this.mode !== 'off';
  }

  get isLive(): boolean {
    return this.mode === 'connecting' || this.mode === 'listening' || this.mode === 'reconnecting';
  }

  /** What there is to play changes while a call is up. */
  shape(shape: Shape): void {
    this.#shape = shape;
    if (this.mode === 'playing') this.#settings();
  }

  /** Plays what was captured, from a place on. */
  async play(position: number): Promise<void> {
    this.#halt();
    const run = ++this.#run;
    this.mode = 'starting';
    this.error = undefined;
    this.notice = '';
    this.position = Math.max(0, Math.min(Math.round(position), this.#shape.samples));
    if (!(await this.#open()) || run !== this.#run) return;
    this.mode = 'playing';
    this.isWaiting = true;
    this.#order({ type: 'past', run, tracks: TRACKS.length, position: this.position });
    this.#loaders = TRACKS.map(
      (track, at) =>
        new TrackLoader(
          (range, signal) => readAudio(this.id, track, range, { signal }),
          (from, samples) => this.#order({ type: 'fill', run, track: at, position: from, samples }, [samples.buffer]),
          (range) => this.#order({ type: 'keep', track: at, range }),
          (error) => this.#fail(run, error),
        ),
    );
    this.#settings();
    this.#load();
  }

  /** Goes to a place, and plays on if it plays. */
  seek(position: number): void {
    if (this.mode !== 'playing') return;
    this.position = Math.max(0, Math.min(Math.round(position), this.#shape.samples));
    this.#order({ type: 'seek', position: this.position });
    this.#load();
  }

  /** Hears the call that is up. */
  async listen(): Promise<void> {
    this.#halt();
    const run = ++this.#run;
    this.mode = 'connecting';
    this.error = undefined;
    this.notice = '';
    this.live = undefined;
    this.next = undefined;
    this.#failures = 0;
    if (!(await this.#open()) || run !== this.#run) return;
    this.#connect(run);
  }

  stop(): void {
    if (this.mode === 'off') return;
    this.#halt();
    this.#run++;
    this.mode = 'off';
    this.level = 0;
    this.isWaiting = false;
    this.#order({ type: 'stop' });
    void this.#context?.suspend();
  }

  /** Ends all of it. */
  close(): void {
    this.stop();
    this.#isClosed = true;
    void this.#context?.close();
    this.#context = undefined;
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    this.#settings();
    this.#load();
  }

  hear(track: number, isHeard: boolean): void {
    this.heard = this.heard.map((one, at) => (at === track ? isHeard : one));
    this.#order({ type: 'hear', heard: this.#liveHeard() });
    this.#settings();
    this.#load();
  }

  setLoop(loop: Range | undefined): void {
    this.loop = loop;
    this.#settings();
  }

  skipSilence(isSkipping: boolean): void {
    this.isSkipping = isSkipping;
    this.#settings();
  }

  #order(order: Order, transfer: Transferable[] = []): void {
    this.#node?.port.postMessage(order, transfer);
  }

  #settings(): void {
    if (this.#loaders.length === 0) return;
    const { samples, isGrowing, skips } = this.#shape;
    const { speed, loop } = this;
    this.#order({ type: 'set', speed, heard: [...this.heard], loop: loop && { ...loop }, skips: this.isSkipping ? skips.map((skip) => ({ ...skip })) : [], end: samples, isGrowing });
  }

  #liveHeard(): boolean[] {
    return this.#liveTracks.map((name) => this.heard[TRACKS.findIndex((track) => track === name)] ?? false);
  }

  /** Makes the worklet ready: a browser lets sound out after an act of the user only. An output that does not start is opened once more. */
  async #open(): Promise<boolean> {
    const run = this.#run;
    for (let attempt = 1; ; attempt++) {
      try {
        await within(START_MS, this.#start(), NOT_STARTED);
        return !this.#isClosed;
      } catch (error) {
        if (this.#isClosed || run !== this.#run) return false;
        void this.#context?.close();
        this.#context = undefined;
        this.#node = undefined;
        if (attempt < ATTEMPTS) continue;
        this.#fail(run, error);
        return false;
      }
    }
  }

  async #start(): Promise<void> {
    if (!this.#context) {
      const context = new AudioContext({ sampleRate: 8_000, latencyHint: 'interactive' });
      this.#context = context;
      await context.audioWorklet.addModule(workletAddress);
      if (context !== this.#context) return;
      const node = new AudioWorkletNode(context, 'ring', { numberOfInputs: 0, outputChannelCount: [1] });
      node.port.onmessage = ({ data }: MessageEvent<Report>) => this.#onReport(data);
      node.connect(context.destination);
      this.#node = node;
    }
    await this.#context.resume();
  }

  #onReport(report: Report): void {
    if (report.run !== this.#run || !this.isOn) return;
    if (report.position !== undefined) this.position = report.position;
    this.level = report.level;
    this.isWaiting = report.isWaiting;
    if (report.played && report.played.to !== this.played?.to) this.played = report.played;
    if (report.live) this.live = report.live;
    if (this.mode !== 'playing') return;
    const isAtEdge = this.#shape.isGrowing && report.isWaiting && (report.position ?? 0) >= this.#shape.samples;
    if (report.isOver || isAtEdge) {
      const end = report.position;
      this.stop();
      this.notice = isAtEdge ? 'This is all that was captured until now.' : '';
      this.onstop(end);
    } else this.#load();
  }

  #load(): void {
    // Stretching looks at a little before its place, too.
    const position = Math.max(0, (this.position ?? 0) - BEFORE);
    this.#loaders.forEach((loader, track) => {
      if (this.heard[track]) loader?.want(position, AHEAD * Math.max(1, this.speed), this.#shape.samples);
      else loader?.stop();
    });
  }

  #fail(run: number, error: unknown): void {
    if (run !== this.#run) return;
    this.stop();
    this.error = error;
    this.onstop(this.position);
  }

  /** Ends what sounds, and what is read for it. */
  #halt(): void {
    for (const loader of this.#loaders) loader?.stop();
    this.#loaders = [];
    clearTimeout(this.#retry);
    const line = this.#line;
    this.#line = undefined;
    line?.postMessage({ type: 'close' } satisfies LineOrder);
    this.isPaused = false;
  }

  #connect(run: number): void {
    const line = new Worker(lineAddress, { type: 'module' });
    const { port1: toWorklet, port2: sound } = new MessageChannel();
    const address = listeningAddress(this.id, TRACKS);
    const heard = Object.fromEntries(TRACKS.map((track, at) => [track, this.heard[at] ?? false]));
    let hasBegun = false;
    this.#line = line;
    this.#order({ type: 'line', port: toWorklet }, [toWorklet]);
    line.postMessage({ type: 'open', address, run, heard, sound } satisfies LineOrder, [sound]);
    line.onmessage = ({ data }: MessageEvent<LineWord>) => {
      if (line !== this.#line) return;
      if (data.type === 'closed') return this.#onClosed(run, hasBegun, data.code);
      hasBegun ||= data.said.Type === 'Begin';
      this.#onSaid(data.said);
    };
    line.onerror = () => line === this.#line && this.#onClosed(run, hasBegun, 1006);
  }

  #onSaid(said: Said): void {
    switch (said.Type) {
      case 'Begin':
        this.#failures = 0;
        this.#liveTracks = said.Tracks;
        this.mode = 'listening';
        // What was chosen since the connection was asked for.
        this.#order({ type: 'hear', heard: this.#liveHeard() });
        break;
      case 'Paused':
      case 'Resumed':
        this.isPaused = said.Type === 'Paused';
        break;
      case 'End':
        this.#over(said.Reason === 'STREAM_DELETED' ? 'The stream was deleted: nothing is captured any more.' : '');
        this.next = said.NextContactId ?? undefined;
        break;
      default:
    }
  }

  #onClosed(run: number, hasBegun: boolean, code: number): void {
    this.#line?.terminate();
    this.#line = undefined;
    if (!hasBegun) void this.#ask(run);
    else if (code === 4001) this.#over('The session is over.');
    else if (code === 4008) this.#over('This browser took the sound too slowly.');
    else if (code === 4009) this.#over('The key of this contact may no longer be used.');
    else if (code === 1000) this.#over('');
    else this.#again(run);
  }

  /** The connection broke: the sound goes on with the next one. */
  #again(run: number): void {
    this.mode = 'reconnecting';
    this.level = 0;
    if (this.#failures >= MOST_FAILURES) return this.#over('The connection broke, and the server did not answer again.');
    this.#retry = setTimeout(() => run === this.#run && this.#connect(run), delay(this.#failures++));
  }

  async #ask(run: number): Promise<void> {
    const reason = await whyNotListening(this.id, TRACKS);
    if (run !== this.#run) return;
    if (reason instanceof ApiError && (reason.status === 0 || reason.status === 426) && this.mode === 'reconnecting') this.#again(run);
    else if (reason instanceof ApiError && reason.code === 'ContactEndedException') this.#over('');
    else this.#fail(run, reason);
  }

  #over(notice: string): void {
    const position = this.position;
    this.stop();
    this.notice = notice;
    this.onstop(position);
  }
}
