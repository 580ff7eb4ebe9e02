import { describe, expect, it } from 'vitest';
import { Engine } from './engine';
import { readPcm, readSound, type SoundFrame } from './frame';
import { JitterRing } from './jitter';
import { Pages, Past } from './past';
import { Digest, digest } from './played';
import { Stretch } from './stretch';

const BLOCK = 128;
const ramp = (from: number, length: number): Int16Array => Int16Array.from({ length }, (_, at) => ((from + at) * 7) % 20_000);
const tone = (hertz: number, length: number): Int16Array => Int16Array.from({ length }, (_, at) => Math.round(9_000 * Math.sin((2 * Math.PI * hertz * at) / 8_000)));
const frame = (position: number, samples: Int16Array, more: Partial<SoundFrame> = {}): SoundFrame => ({
  track: 0, isAfterHole: false, position, arrivedMicros: 0, sentMicros: 0, samples, ...more,
});
/** The wire form of a frame. */
function wire({ track, isAfterHole, position, arrivedMicros, sentMicros, samples }: SoundFrame): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(28 + samples.length * 2));
  view.setUint8(0, track);
  view.setUint8(1, isAfterHole ? 1 : 0);
  view.setBigUint64(4, BigInt(position));
  view.setBigInt64(12, BigInt(arrivedMicros));
  view.setBigInt64(20, BigInt(sentMicros));
  samples.forEach((sample, at) => view.setInt16(28 + at * 2, sample, true));
  return view.buffer;
}

describe('frames', () => {
  it('are read as they are written', () => {
    const sent = frame(288_000_160, ramp(3, 160), { track: 1, isAfterHole: true, arrivedMicros: 1_796_020_790_447_123, sentMicros: 1_796_020_790_448_001 });
    expect(readSound(wire(sent))).toEqual(sent);
  });

  it('that are cut are none', () => {
    expect(readSound(new ArrayBuffer(27))).toBeUndefined();
    expect(readSound(new ArrayBuffer(29))).toBeUndefined();
    expect([...readPcm(new Uint8Array([1, 0, 0xff, 0xff, 9]))]).toEqual([1, -1]);
  });
});

describe('the digest of what was played', () => {
  it('is the one of the samples, and begins anew after a break', () => {
    const samples = ramp(0, 512);
    const made = new Digest(256);
    const out = Float32Array.from(samples, (sample) => sample / 32_768);
    made.add(1_000, out.subarray(0, BLOCK));
    made.break();
    made.add(1_128, out.subarray(BLOCK, 2 * BLOCK));
    made.add(1_256, out.subarray(2 * BLOCK, 3 * BLOCK));
    expect(made.last).toEqual({ from: 1_128, to: 1_384, digest: digest(samples.subarray(128, 384)) });
    expect(digest(new Int16Array())).toBe('811c9dc5');
  });
});

describe('pages', () => {
  it('hold what was written over their borders', () => {
    const pages = new Pages();
    pages.write(7_900, ramp(0, 300));
    expect(pages.hasAll({ from: 7_900, to: 8_200 })).toBe(true);
    expect(pages.hasAll({ from: 7_899, to: 8_200 })).toBe(false);
    expect(pages.hasAll({ from: 7_900, to: 8_201 })).toBe(false);
    expect(pages.at(8_000)).toBe(ramp(0, 300)[100]);
    pages.write(8_200, ramp(300, 10));
    expect(pages.hasAll({ from: 7_900, to: 8_210 })).toBe(true);
    pages.keep({ from: 8_000, to: 20_000 });
    expect([pages.size, pages.has(7_950)]).toEqual([1, false]);
  });
});

describe('the past', () => {
  const past = (length: number, tracks = 1): Past => {
    const made = new Past(tracks, 0);
    made.pages.forEach((pages, track) => pages.write(0, track === 0 ? ramp(0, length) : tone(440, length)));
    made.end = length;
    return made;
  };
  const out = new Float32Array(BLOCK);

  it('is put out sample by sample', () => {
    const made = past(1_000);
    expect(made.read(out)).toBe(0);
    expect(made.read(out)).toBe(128);
    expect([...out].map((value) => value * 32_768)).toEqual([...ramp(128, BLOCK)]);
  });

  it('mixes its tracks, and never over full scale', () => {
    const made = new Past(2, 0);
    made.pages[0]?.write(0, new Int16Array(BLOCK).fill(30_000));
    made.pages[1]?.write(0, new Int16Array(BLOCK).fill(5_000));
    made.end = BLOCK;
    made.read(out);
    expect((out[0] ?? 0) * 32_768).toBe(32_767);
    made.seek(0);
    made.heard = [false, true];
    made.read(out);
    expect((out[0] ?? 0) * 32_768).toBe(5_000);
  });

  it('waits for what is not there, and goes on', () => {
    const made = past(256);
    made.end = 512;
    made.read(out);
    made.read(out);
    expect([made.read(out), made.isWaiting, made.head]).toEqual([undefined, true, 256]);
    made.pages[0]?.write(256, ramp(256, 256));
    expect([made.read(out), made.isWaiting]).toEqual([256, false]);
  });

  it('goes over silence, goes round a loop, and ends', () => {
    const made = past(2_000);
    made.skips = [{ from: 128, to: 1_000 }];
    made.read(out);
    expect(made.read(out)).toBe(1_000);
    made.loop = { from: 900, to: 1_256 };
    made.read(out);
    expect(made.read(out)).toBe(1_000);
    made.loop = undefined;
    made.seek(1_900);
    expect([made.read(out), made.isOver]).toEqual([undefined, false]);
    expect([made.read(out), made.isOver, made.head]).toEqual([undefined, true, 2_000]);
    made.isGrowing = true;
    made.read(out);
    expect([made.isOver, made.isWaiting]).toEqual([false, true]);
  });

  it.each([0.5, 1.5, 2, 3])('keeps its pitch at a speed of %d', (speed) => {
    const length = 48_000;
    const made = new Past(1, 0);
    made.pages[0]?.write(0, tone(200, length));
    made.end = length;
    made.setSpeed(speed);
    const all: number[] = [];
    while (!made.isOver && all.length < 200_000) {
      made.read(out);
      all.push(...out);
    }
    expect(all.length).toBeGreaterThan((length / speed) * 0.98);
    expect(all.length).toBeLessThan((length / speed) * 1.02 + 2 * BLOCK);
    // Rising passages through zero in a second of the middle are the hertz of the tone.
    const middle = all.slice(all.length / 2 - 4_000, all.length / 2 + 4_000);
    const rises = middle.filter((value, at) => at > 0 && value >= 0 && (middle[at - 1] ?? 0) < 0).length;
    expect(Math.abs(rises - 200)).toBeLessThanOrEqual(2);
    expect(Math.max(...middle)).toBeLessThan(0.36);
    expect(Math.max(...middle)).toBeGreaterThan(0.2);
  });
});

describe('stretching', () => {
  it('gives the source back where the place moves by a hop', () => {
    const source = tone(330, 4_000);
    const stretch = new Stretch();
    const read = (position: number): number => (source[position] ?? 0) / 32_768;
    const all: number[] = [];
    for (let place = 400; place < 2_000; place += 120) all.push(...stretch.hop(place, read));
    all.forEach((value, at) => expect(value).toBeCloseTo(read(400 + at), 4));
  });
});

describe('the jitter ring', () => {
  const out = new Float32Array(BLOCK);
  const HEARD = [true];

  /** Frames of 20 ms arrive when `delays` say; blocks of 16 ms are put out. The samples that were put out, and the ring. */
  function run(frames: number, delay: (at: number) => number, skipFrame: (at: number) => boolean = () => false): { ring: JitterRing; copied: Map<number, number> } {
    const ring = new JitterRing(1);
    const copied = new Map<number, number>();
    const arrivals = Array.from({ length: frames }, (_, at) => ({ at, time: at * 20 + delay(at) })).filter(({ at }) => !skipFrame(at));
    let next = 0;
    for (let time = 0; time < frames * 20; time += 16) {
      for (let one = arrivals[next]; one && one.time <= time; one = arrivals[++next]) {
        ring.write(frame(one.at * 160, ramp(one.at * 160, 160), { isAfterHole: one.at > 0 && skipFrame(one.at - 1), arrivedMicros: one.at * 20_000 }));
      }
      const head = ring.head;
      if (ring.read(out, HEARD, time * 1_000) && head !== undefined) out.forEach((value, at) => copied.set(head + at, Math.round(value * 32_768)));
    }
    return { ring, copied };
  }

  it('puts out every sample once it has 60 ms, and measures from arrival to output', () => {
    const { ring, copied } = run(500, () => 0);
    expect([ring.underruns, ring.moves, ring.late]).toEqual([0, 0, 0]);
    expect(Int16Array.from({ length: 78_000 }, (_, at) => copied.get(at) ?? -1)).toEqual(ramp(0, 78_000));
    expect(ring.quantile(0.5)).toBeGreaterThan(30);
    expect(ring.quantile(0.5)).toBeLessThan(75);
    expect(ring.quantile(1)).toBeLessThan(90);
  });

  it('bears what the network does to frames', () => {
    const { ring } = run(1_000, (at) => (at * 7) % 18);
    expect(ring.underruns).toBe(0);
  });

  it('counts an underrun, waits for more after it, and comes back', () => {
    const { ring, copied } = run(1_000, (at) => (at >= 100 && at < 112 ? (112 - at) * 20 : 0));
    expect(ring.underruns).toBe(1);
    expect(copied.get(159_000)).toBe((159_000 * 7) % 20_000);
    expect(ring.quantile(0.5)).toBeLessThan(110);
  });

  it('does not count the silence of a telephone that sends nothing', () => {
    const { ring, copied } = run(400, () => 0, (at) => at >= 100 && at < 120);
    expect([ring.underruns, ring.late]).toEqual([0, 0]);
    expect(copied.get(130 * 160)).toBe((130 * 160 * 7) % 20_000);
  });

  it('plays silence for samples that are missing within the sound', () => {
    const ring = new JitterRing(1);
    ring.write(frame(0, new Int16Array(160).fill(100)));
    ring.write(frame(320, new Int16Array(480).fill(200), { isAfterHole: true }));
    const all: number[] = [];
    for (let at = 0; at < 4; at++) {
      ring.read(out, HEARD, 0);
      all.push(...Array.from(out, (value) => Math.round(value * 32_768)));
    }
    expect([all[159], all[160], all[319], all[320]]).toEqual([100, 0, 0, 200]);
  });

  it('begins anew far away from what it has', () => {
    const ring = new JitterRing(2);
    ring.write(frame(0, new Int16Array(800).fill(1)));
    ring.write(frame(800_000, new Int16Array(800).fill(2), { track: 1, isAfterHole: true }));
    expect(ring.head).toBe(800_000);
    ring.read(out, [true, true], 0);
    expect((out[0] ?? 0) * 32_768).toBe(2);
  });

  it('begins near the newest sound, whatever of the past comes first', () => {
    const ring = new JitterRing(1);
    for (let at = 0; at < 50; at++) ring.write(frame(at * 160, ramp(at * 160, 160)));
    ring.read(out, HEARD, 0);
    expect([ring.head, ring.moves]).toEqual([8_000 - 560 + BLOCK, 0]);
  });

  it('comes near again where more waits than is needed', () => {
    const ring = new JitterRing(1);
    for (let at = 0; at < 4; at++) ring.write(frame(at * 160, ramp(at * 160, 160)));
    ring.read(out, HEARD, 0);
    for (let at = 4; at < 40; at++) ring.write(frame(at * 160, ramp(at * 160, 160)));
    for (let at = 0; at < 2; at++) ring.read(out, HEARD, 0);
    expect(ring.moves).toBe(1);
    expect(6_400 - (ring.head ?? 0)).toBeLessThan(700);
  });
});

describe('the engine', () => {
  it('plays a run, and passes over what belongs to another one', () => {
    const engine = new Engine();
    const out = new Float32Array(BLOCK);
    engine.do({ type: 'past', run: 2, tracks: 1, position: 0 });
    engine.do({ type: 'set', speed: 1, heard: [true], loop: undefined, skips: [], end: 8_000, isGrowing: false });
    engine.do({ type: 'fill', run: 1, track: 0, position: 0, samples: tone(100, 8_000) });
    engine.render(out, 0);
    expect(engine.report()).toMatchObject({ run: 2, position: 0, isWaiting: true, level: 0 });
    engine.do({ type: 'fill', run: 2, track: 0, position: 0, samples: ramp(0, 8_000) });
    for (let at = 0; at < 40; at++) engine.render(out, 0);
    expect(engine.report().played).toEqual({ from: 0, to: 4_000, digest: digest(ramp(0, 4_000)) });
    engine.do({ type: 'stop' });
    engine.render(out, 0);
    expect(engine.report()).toMatchObject({ run: 0, position: undefined, level: 0 });
  });

  it('hears a live call with the clock of the server', () => {
    const engine = new Engine();
    const out = new Float32Array(BLOCK);
    engine.do({ type: 'live', run: 1, tracks: 1, heard: [true] });
    engine.do({ type: 'clock', offsetMicros: 5_000_000 });
    for (let at = 0; at < 4; at++) engine.do({ type: 'frame', buffer: wire(frame(at * 160, ramp(at * 160, 160), { arrivedMicros: 5_000_000 + at * 20_000 })) });
    for (let at = 0; at < 2; at++) engine.render(out, 80_000);
    expect(engine.report().live).toMatchObject({ latencyMs: 80, p50Ms: 80, underruns: 0 });
  });
});
