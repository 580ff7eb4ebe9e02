/** A JSON value as lines of text, for a viewer: each with its path, and where what it opens is closed. */

export interface Token {
  kind: 'name' | 'text' | 'number' | 'word' | 'mark';
  text: string;
}

export interface JsonLine {
  depth: number;
  tokens: Token[];
  /** `Statement[0].Action`; empty for the whole. */
  path: string;
  /** The line that closes what this one opens. */
  closes?: number;
  /** How much is inside: `2 members`. */
  inside?: string;
}

const PLAIN = /^[A-Za-z_$][\w$]*$/;

/** The path of a member: with a dot where its name is plain. */
export function memberPath(path: string, name: string | number): string {
  if (typeof name === 'number') return `${path}[${name}]`;
  if (!PLAIN.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path ? `${path}.${name}` : name;
}

const token = (kind: Token['kind'], text: string): Token => ({ kind, text });

function scalar(value: unknown): Token {
  if (typeof value === 'string') return token('text', JSON.stringify(value));
  if (typeof value === 'number') return token('number', String(value));
  return token('word', String(value));
}

/** The lines of a value, indented as `JSON.stringify` does with 2. */
export function jsonText(value: unknown): JsonLine[] {
  const lines: JsonLine[] = [];
  const write = (inner: unknown, depth: number, path: string, before: Token[], after: Token[]): void => {
    if (typeof inner !== 'object' || inner === null) return void lines.push({ depth, path, tokens: [...before, scalar(inner), ...after] });
    const isList = Array.isArray(inner);
    const entries: [string | number, unknown][] = isList ? inner.map((one, at) => [at, one]) : Object.entries(inner);
    const [open, close] = isList ? ['[', ']'] : ['{', '}'];
    if (entries.length === 0) return void lines.push({ depth, path, tokens: [...before, token('mark', open + close), ...after] });
    const first: JsonLine = { depth, path, tokens: [...before, token('mark', open)] };
    first.inside = `${entries.length} ${isList ? 'item' : 'member'}${entries.length === 1 ? '' : 's'}`;
    lines.push(first);
    entries.forEach(([name, one], at) => {
      const named = isList ? [] : [token('name', JSON.stringify(name)), token('mark', ': ')];
      write(one, depth + 1, memberPath(path, name), named, at + 1 < entries.length ? [token('mark', ',')] : []);
    });
    first.closes = lines.length;
    lines.push({ depth, path, tokens: [token('mark', close), ...after] });
  };
  write(value, 0, '', [], []);
  return lines;
}

/** The text of a line. */
export const lineText = (line: JsonLine): string => line.tokens.map((one) => one.text).join('');

/** The lines that a search finds, without regard to case. */
export function findLines(lines: readonly JsonLine[], wanted: string): number[] {
  const part = wanted.trim().toLowerCase();
  if (part === '') return [];
  return lines.flatMap((line, at) => (lineText(line).toLowerCase().includes(part) ? [at] : []));
}

/** The lines that are seen when those of `folded` are folded. */
export function unfolded(lines: readonly JsonLine[], folded: ReadonlySet<number>): number[] {
  const seen: number[] = [];
  for (let at = 0; at < lines.length; at++) {
    seen.push(at);
    const closes = folded.has(at) ? lines[at]?.closes : undefined;
    if (closes !== undefined) at = closes;
  }
  return seen;
}

/** The lines that open what a line stands in. */
export function above(lines: readonly JsonLine[], wanted: number): number[] {
  return lines.flatMap((line, at) => (at < wanted && line.closes !== undefined && line.closes >= wanted ? [at] : []));
}
