import { describe, expect, it } from 'vitest';
import { ServerClock } from './clock';
import { TrackLoader, type ReadTrack } from './loader';
import { silences } from './silence';

const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('reading ahead', () => {
  function loader(length: number): { made: TrackLoader; asked: { from: number; to: number }[]; put: [number, number][]; aborted: () => number } {
    const asked: { from: number; to: number }[] = [];
    const put: [number, number][] = [];
    let aborted = 0;
    const read: ReadTrack = async function* (range, signal) {
      asked.push(range);
      signal.addEventListener('abort', () => aborted++);
      for (let at = range.from * 8; at < Math.min(length, range.to * 8); at += 40_000) {
        await Promise.resolve();
        yield { position: at, samples: new Int16Array(Math.min(40_000, Math.min(length, range.to * 8) - at)) };
      }
    };
    const made = new TrackLoader(read, (position, samples) => put.push([position, samples.length]), () => {}, () => {});
    return { made, asked, put, aborted: () => aborted };
  }

  it('begins with a short window, and goes on before the sound ends', async () => {
    const { made, asked } = loader(800_000);
    made.want(0, 120_000, 800_000);
    made.want(128, 120_000, 800_000);
    await rest();
    made.want(256, 120_000, 800_000);
    await rest();
    made.want(512, 120_000, 800_000);
    expect(asked).toEqual([{ from: 0, to: 10_000 }, { from: 10_000, to: 40_000 }]);
    expect(made.have).toEqual({ from: 0, to: 320_000 });
  });

  it('reads nothing again that is there, and begins anew where it is not', async () => {
    const { made, asked, aborted } = loader(8_000_000);
    made.want(80_003, 1, 8_000_000);
    await rest();
    made.want(90_000, 1, 8_000_000);
    expect(asked).toEqual([{ from: 10_000, to: 20_001 }]);
    expect(made.have).toEqual({ from: 80_003, to: 160_008 });
    made.want(800_000, 1, 8_000_000);
    made.want(1_600_000, 1, 8_000_000);
    await rest();
    expect(asked.slice(1)).toEqual([{ from: 100_000, to: 110_000 }, { from: 200_000, to: 210_000 }]);
    expect(aborted()).toBe(1);
    expect(made.have.from).toBe(1_600_000);
  });

  it('takes a part that begins before what is wanted', async () => {
    const { made, put } = loader(100_000);
    made.want(83, 1, 100_000);
    await rest();
    expect(put[0]).toEqual([83, 40_000 - 3]);
  });
});

describe('silences', () => {
  const speech = (at: number, samples: number): { Kind: string; At: number; Samples: number } => ({ Kind: 'speech', At: at, Samples: samples });

  it('are what no heard track speaks in, with room for the begin of a word', () => {
    const from = [speech(0, 8_000), { Kind: 'pause', At: 10_000, Samples: 90_000 }, speech(100_000, 8_000)];
    expect(silences([from], 200_000)).toEqual([{ from: 10_400, to: 98_400 }, { from: 110_400, to: 200_000 }]);
    expect(silences([from, [speech(40_000, 10_000)]], 110_000)).toEqual([{ from: 10_400, to: 38_400 }, { from: 52_400, to: 98_400 }]);
  });

  it('that are short are played', () => {
    expect(silences([[speech(0, 8_000), speech(16_000, 8_000)]], 24_000)).toEqual([]);
    expect(silences([[]], 8_000)).toEqual([{ from: 0, to: 8_000 }]);
  });
});

describe('the clock of the server', () => {
  it('is read from the answer that came soonest', () => {
    const clock = new ServerClock();
    clock.begin(5_000_000, 1_000);
    expect(clock.offsetMicros).toBe(4_000_000);
    clock.ask(2_000);
    clock.ask(3_000);
    clock.answer(0, 6_100_000, 2_100);
    expect(clock.offsetMicros).toBe(4_050_000);
    clock.answer(1, 7_042_000, 3_080);
    expect(clock.offsetMicros).toBe(4_002_000);
    clock.ask(4_000);
    clock.answer(2, 9_000_000, 4_200);
    clock.answer(9, 0, 4_200);
    expect(clock.offsetMicros).toBe(4_002_000);
  });
});
