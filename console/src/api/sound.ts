/** The sound of a contact: GetAudio and ListenContact of the service `tympan`. */
import { readPcm } from '../sound/frame';
import { call, operationAddress, refusal, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

/** Milliseconds on the axis of the waveform. */
export interface AudioRange {
  from?: number | undefined;
  to?: number | undefined;
}

const path = (id: string, what: string): string => `/tympan/contacts/${encodeURIComponent(id)}/${what}`;

/** Where the captured sound is: samples of a track as `wav` or `raw`, or the stored fragments of all tracks as `mkv`. */
export const audioAddress = (id: string, query: AudioRange & { track?: string | undefined; format: 'wav' | 'raw' | 'mkv' }): string =>
  operationAddress('tympan', path(id, 'audio'), { ...query });

/** Samples of a track, as they come. `position` is the number of the first one on the axis. */
export async function* readAudio(id: string, track: string, range: { from: number; to: number }, options: Signal = {}): AsyncGenerator<{ position: number; samples: Int16Array }> {
  const init: RequestInit = { credentials: 'same-origin', cache: 'no-store' };
  if (options.signal) init.signal = options.signal;
  const response = await fetch(audioAddress(id, { track, ...range, format: 'raw' }), init);
  if (!response.ok) throw refusal(response.status, response.headers, await response.json().catch(() => undefined));
  let position = Number(response.headers.get('x-tympan-position-samples') ?? range.from * 8);
  const reader = response.body?.getReader();
  let rest = new Uint8Array();
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return;
    const bytes = new Uint8Array(rest.length + part.value.length);
    bytes.set(rest);
    bytes.set(part.value, rest.length);
    const samples = readPcm(bytes);
    rest = bytes.slice(samples.length * 2);
    if (samples.length === 0) continue;
    yield { position, samples };
    position += samples.length;
  }
}

/** Where the WebSocket of a call that is up is opened. */
export const listeningAddress = (id: string, tracks: readonly string[]): string =>
  location.origin.replace(/^http/, 'ws') + operationAddress('tympan', path(id, 'listen'), { tracks: tracks.join(',') });

/** Why there was no upgrade: a browser does not tell, but a request without one is refused for the same reason first. */
export const whyNotListening = (id: string, tracks: readonly string[]): Promise<unknown> =>
  call('tympan', path(id, 'listen'), { query: { tracks: tracks.join(',') } }).catch((error: unknown) => error);
