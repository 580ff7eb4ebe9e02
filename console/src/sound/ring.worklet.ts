import { Engine, type Order } from './engine';

declare const registerProcessor: (name: string, made: new () => { process: (inputs: unknown, outputs: Float32Array[][]) => boolean }) => void;
declare const AudioWorkletProcessor: new () => { readonly port: MessagePort };

/** Blocks between two reports: 96 ms. */
const REPORT_BLOCKS = 6;

class Ring extends AudioWorkletProcessor {
  readonly #engine = new Engine();
  #blocks = 0;
  /** Where the sound of a call that is up comes from: the worker, past the page. */
  #line: MessagePort | undefined;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<Order>) => this.#do(data);
  }

  #do(order: Order): void {
    if (order.type !== 'line') return this.#engine.do(order);
    // What is on its way by the line before is not of this one.
    this.#line?.close();
    this.#line = order.port;
    order.port.onmessage = ({ data }: MessageEvent<Order>) => this.#do(data);
  }

  process(_: unknown, outputs: Float32Array[][]): boolean {
    const output = outputs[0]?.[0];
    if (!output) return true;
    // The clock of the machine, not the one of the sound: latencies go from the server to here.
    this.#engine.render(output, Date.now() * 1_000);
    if (++this.#blocks % REPORT_BLOCKS === 0) this.port.postMessage(this.#engine.report());
    return true;
  }
}

registerProcessor('ring', Ring);
