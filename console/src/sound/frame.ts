/** A binary frame of ListenContact. */
export interface SoundFrame {
  track: number;
  /** Whether samples are missing between this frame and the one before it. */
  isAfterHole: boolean;
  /** The number of the first sample on the axis of the contact's audio. */
  position: number;
  /** The server's clock when the newest sample had arrived, and when the frame was sent. */
  arrivedMicros: number;
  sentMicros: number;
  samples: Int16Array;
}

const HEADER_BYTES = 28;

/** Reads a frame; undefined for what is none. */
export function readSound(buffer: ArrayBuffer): SoundFrame | undefined {
  if (buffer.byteLength < HEADER_BYTES || (buffer.byteLength - HEADER_BYTES) % 2 !== 0) return undefined;
  const view = new DataView(buffer);
  const samples = new Int16Array((buffer.byteLength - HEADER_BYTES) / 2);
  for (let at = 0; at < samples.length; at++) samples[at] = view.getInt16(HEADER_BYTES + at * 2, true);
  return {
    track: view.getUint8(0),
    isAfterHole: (view.getUint8(1) & 1) !== 0,
    position: Number(view.getBigUint64(4)),
    arrivedMicros: Number(view.getBigInt64(12)),
    sentMicros: Number(view.getBigInt64(20)),
    samples,
  };
}

/** Samples of a raw body: PCM16, little-endian. An odd last byte is left for the next part. */
export function readPcm(bytes: Uint8Array): Int16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Int16Array(bytes.byteLength >> 1);
  for (let at = 0; at < samples.length; at++) samples[at] = view.getInt16(at * 2, true);
  return samples;
}

/** A text frame of ListenContact. */
export type Said =
  | { Type: 'Begin'; SampleRateHz: number; Tracks: string[]; StartTimestamp: string | null; NowMicroseconds: number }
  | { Type: 'Paused' | 'Resumed' }
  | { Type: 'Pong'; Id: number; NowMicroseconds: number }
  | { Type: 'End'; Reason?: string | null; NextContactId?: string | null };

export function readSaid(text: string): Said | undefined {
  try {
    const read = JSON.parse(text) as { Type?: unknown } | null;
    return typeof read?.Type === 'string' ? (read as Said) : undefined;
  } catch {
    return undefined;
  }
}
