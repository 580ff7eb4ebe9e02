/** Tags of a fragment as GetMedia sends them: Matroska (RFC 9559), read as far as they need it. */
export interface Tag {
  name: string;
  value: string;
}

const SEGMENT = 0x18538067;
const TAGS = 0x1254c367;
const TAG = 0x7373;
const SIMPLE_TAG = 0x67c8;
const TAG_NAME = 0x45a3;
const TAG_STRING = 0x4487;
const HOLDS: ReadonlySet<number> = new Set([SEGMENT, TAGS, TAG, SIMPLE_TAG]);

/** A number of EBML (RFC 8794): its first bit that is set says how long it is. `isSize` leaves that bit out. */
function readNumber(bytes: Uint8Array, at: number, isSize: boolean): { value: number; length: number } | undefined {
  const first = bytes[at];
  if (!first) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return undefined;
  let value = isSize ? first & (0xff >> length) : first;
  let isUnknown = isSize && value === 0xff >> length;
  for (let next = at + 1; next < at + length; next++) {
    value = value * 256 + (bytes[next] ?? 0);
    isUnknown &&= bytes[next] === 0xff;
  }
  return { value: isUnknown ? Infinity : value, length };
}

/** All tags of a body, in their order. A body that breaks off gives those before. */
export function readTags(bytes: Uint8Array): Tag[] {
  const found: Tag[] = [];
  const text = new TextDecoder();
  const walk = (from: number, to: number): void => {
    for (let at = from; at < to; ) {
      const id = readNumber(bytes, at, false);
      const size = id && readNumber(bytes, at + id.length, true);
      if (!id || !size) return;
      const begin = at + id.length + size.length;
      const end = Math.min(to, begin + size.value);
      if (id.value === SIMPLE_TAG) found.push({ name: '', value: '' });
      const open = found.at(-1);
      if (HOLDS.has(id.value)) walk(begin, end);
      else if (id.value === TAG_NAME && open) open.name = text.decode(bytes.subarray(begin, end));
      else if (id.value === TAG_STRING && open) open.value = text.decode(bytes.subarray(begin, end));
      at = end;
    }
  };
  walk(0, bytes.length);
  return found;
}
