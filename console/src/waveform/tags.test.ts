import { describe, expect, it } from 'vitest';
import { readTags } from './tags';

const bytes = (...parts: (number | number[] | string)[]): number[] => parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part));
const element = (id: number[], content: number[]): number[] => [...id, 0x40 | (content.length >> 8), content.length & 0xff, ...content];
const tag = (name: string, value: string): number[] => element([0x67, 0xc8], [...element([0x45, 0xa3], bytes(name)), ...element([0x44, 0x87], bytes(value))]);
const tags = (...all: number[][]): number[] => element([0x12, 0x54, 0xc3, 0x67], element([0x73, 0x73], all.flat()));
const HEAD = element([0x1a, 0x45, 0xdf, 0xa3], [0x42, 0x86, 0x81, 1]);
/** A segment of unknown size, as a stream has it. */
const SEGMENT = [0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const CLUSTER = element([0x1f, 0x43, 0xb6, 0x75], [0xe7, 0x81, 0, 0xa3, 0x84, 0x81, 0, 0, 0x80]);

describe('tags of a fragment', () => {
  it('are read in their order, before and behind its cluster', () => {
    const body = [...HEAD, ...SEGMENT, ...tags(tag('ContactId', '7f3c'), tag('ü', 'ä')), ...CLUSTER, ...tags(tag('AWS_KINESISVIDEO_FRAGMENT_NUMBER', '913'))];
    expect(readTags(Uint8Array.from(body))).toEqual([
      { name: 'ContactId', value: '7f3c' },
      { name: 'ü', value: 'ä' },
      { name: 'AWS_KINESISVIDEO_FRAGMENT_NUMBER', value: '913' },
    ]);
  });

  it('of a body that breaks off are those before, and of what is none there are none', () => {
    const body = [...HEAD, ...SEGMENT, ...tags(tag('a', '1')), ...CLUSTER];
    for (let length = 0; length < body.length; length++) expect(readTags(Uint8Array.from(body.slice(0, length))).length).toBeLessThanOrEqual(1);
    expect(readTags(Uint8Array.from(body))).toEqual([{ name: 'a', value: '1' }]);
    expect(readTags(Uint8Array.from([0, 0, 0]))).toEqual([]);
  });
});
