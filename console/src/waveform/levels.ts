/** What GetWaveform answers. */
export interface Waveform {
  StartTimestamp: string | null;
  SampleRateHz: number;
  Samples: number;
  Captures: Capture[];
  Tracks: Track[];
}

export interface Capture {
  StreamARN: string;
  Fragments: number;
  Deleted: boolean;
  Truncated: boolean;
}

export interface Track {
  Name: string;
  RmsDbfs: (number | null)[];
  PeakDbfs: (number | null)[];
  Spans: Span[];
  SpansLeftOut: number;
  FromAudio: boolean;
  Incomplete: boolean;
}

export interface Span {
  Kind: string;
  At: number;
  Samples: number;
  Key?: string;
}

export const FROM_CUSTOMER = 'AUDIO_FROM_CUSTOMER';
export const TO_CUSTOMER = 'AUDIO_TO_CUSTOMER';

/** The most columns that the server draws. */
export const MOST_COLUMNS = 16_384;

/** Amplitude of a level: 1 is full scale. */
export const amplitude = (dbfs: number | null | undefined): number =>
  dbfs === null || dbfs === undefined ? 0 : Math.min(1, 10 ** (dbfs / 20));

/** Amplitudes of a track, for its columns. */
export interface Levels {
  rms: Float32Array;
  peak: Float32Array;
  /** Length of the axis that the columns share, in milliseconds. */
  length: number;
}

export function levels(track: Track, length: number): Levels {
  return { rms: Float32Array.from(track.RmsDbfs, amplitude), peak: Float32Array.from(track.PeakDbfs, amplitude), length };
}

/** The mean level of what is not silent, in dB below full scale; undefined where all is silent. */
export function meanDbfs(track: Track): number | undefined {
  let [sum, count] = [0, 0];
  for (const level of track.RmsDbfs) {
    if (level === null || level < -50) continue;
    sum += amplitude(level) ** 2;
    count++;
  }
  return count === 0 ? undefined : 10 * Math.log10(sum / count);
}
