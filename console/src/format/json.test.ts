import { describe, expect, it } from 'vitest';
import { above, findLines, jsonText, lineText, unfolded } from './json';

const POLICY = { Version: '2012-10-17', Statement: [{ Sid: 'A', Action: ['a:*', 'b:*'], Condition: {} }], 'x y': null, n: 5 };
const lines = jsonText(POLICY);

describe('a JSON value as lines', () => {
  it('is the text that JSON.stringify writes', () => {
    const text = lines.map((line) => '  '.repeat(line.depth) + lineText(line)).join('\n');
    expect(text).toBe(JSON.stringify(POLICY, undefined, 2));
    expect(jsonText('a').map(lineText)).toEqual(['"a"']);
  });

  it('gives each line its path', () => {
    const path = (part: string): string | undefined => lines[findLines(lines, part)[0] ?? -1]?.path;
    expect(path('b:*')).toBe('Statement[0].Action[1]');
    expect(path('x y')).toBe('["x y"]');
    expect(lines[0]?.path).toBe('');
  });

  it('folds what a line opens', () => {
    const [statement = -1] = findLines(lines, 'Statement');
    expect(lines[statement]?.inside).toBe('1 item');
    const seen = unfolded(lines, new Set([statement]));
    expect(seen.map((at) => lines[at]?.path)).toEqual(['', 'Version', 'Statement', '["x y"]', 'n', '']);
    expect(unfolded(lines, new Set()).length).toBe(lines.length);
    expect(above(lines, findLines(lines, 'a:*')[0] ?? -1)).toEqual([0, statement, statement + 1, statement + 3]);
  });

  it('finds without regard to case, and nothing for nothing', () => {
    expect(findLines(lines, 'STATEMENT').length).toBe(1);
    expect(findLines(lines, ' ')).toEqual([]);
  });
});
