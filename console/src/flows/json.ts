/** Where what stands in a JSON text: paths as the server writes them (`Actions[9].Parameters.PromptId`), and lines. */

interface Span {
  path: string;
  /** Where its key begins, or its value in a list. */
  at: number;
  end: number;
}

export interface JsonIndex {
  spans: readonly Span[];
  byPath: ReadonlyMap<string, number>;
  /** The first fault of the syntax; what stands before it is in the index all the same. */
  fault?: { at: number; message: string };
}

const DEEPEST = 200;

class Fault extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

/** Reads a text as far as it is JSON. */
export function indexJson(text: string): JsonIndex {
  const reader = new Reader(text);
  try {
    reader.document();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { spans: reader.spans, byPath: reader.byPath, fault: { at: error.at, message: error.message } };
  }
  return { spans: reader.spans, byPath: reader.byPath };
}

class Reader {
  readonly spans: Span[] = [];
  readonly byPath = new Map<string, number>();
  #at = 0;

  constructor(readonly text: string) {}

  document(): void {
    if (this.text.charCodeAt(0) === 0xfeff) this.#at = 1;
    this.#space();
    this.#value('', this.#at, 0);
    this.#space();
    if (this.#at < this.text.length) throw new Fault(this.#at, 'Nothing may follow the end of the document.');
  }

  #value(path: string, keyAt: number, depth: number): void {
    if (depth > DEEPEST) throw new Fault(this.#at, 'This is nested too deeply.');
    const span: Span = { path, at: keyAt, end: this.text.length };
    this.spans.push(span);
    if (!this.byPath.has(path)) this.byPath.set(path, keyAt);
    const first = this.text[this.#at];
    if (first === '{') this.#object(path, depth);
    else if (first === '[') this.#list(path, depth);
    else if (first === '"') this.#string();
    else this.#word();
    span.end = this.#at;
  }

  #object(path: string, depth: number): void {
    this.#at++;
    this.#space();
    if (this.#take('}')) return;
    for (;;) {
      const keyAt = this.#at;
      if (this.text[this.#at] !== '"') throw new Fault(this.#at, 'A name in quotation marks is missing.');
      const key = this.#string();
      this.#space();
      if (!this.#take(':')) throw new Fault(this.#at, `A colon is missing after ${JSON.stringify(key)}.`);
      this.#space();
      this.#value(path ? `${path}.${key}` : key, keyAt, depth + 1);
      this.#space();
      if (this.#take('}')) return;
      if (!this.#take(',')) throw new Fault(this.#at, 'A comma or the closing } is missing.');
      this.#space();
    }
  }

  #list(path: string, depth: number): void {
    this.#at++;
    this.#space();
    if (this.#take(']')) return;
    for (let item = 0; ; item++) {
      const at = this.#at;
      this.#value(`${path}[${item}]`, at, depth + 1);
      this.#alias(path, item, at);
      this.#space();
      if (this.#take(']')) return;
      if (!this.#take(',')) throw new Fault(this.#at, 'A comma or the closing ] is missing.');
      this.#space();
    }
  }

  /** The older export lists parameters with their names; the server calls one `modules[3].parameters.Timeout`. */
  #alias(list: string, item: number, at: number): void {
    if (!list.endsWith('.parameters')) return;
    const nameAt = this.byPath.get(`${list}[${item}].name`);
    const name = nameAt === undefined ? undefined : /^"name"\s*:\s*"([^"\\]+)"/.exec(this.text.slice(nameAt, nameAt + 200))?.[1];
    if (name && !this.byPath.has(`${list}.${name}`)) this.byPath.set(`${list}.${name}`, at);
  }

  #string(): string {
    const begin = this.#at++;
    for (;;) {
      const letter = this.text[this.#at];
      if (letter === undefined || letter === '\n') throw new Fault(begin, 'The closing quotation mark is missing.');
      this.#at++;
      if (letter === '\\') this.#at++;
      else if (letter === '"') break;
      else if (letter < ' ') throw new Fault(this.#at - 1, 'A control character must be written as an escape.');
    }
    try {
      return JSON.parse(this.text.slice(begin, this.#at)) as string;
    } catch {
      throw new Fault(begin, 'This text has an escape that is none.');
    }
  }

  #word(): void {
    const word = /^[^\s,\]}:"]*/.exec(this.text.slice(this.#at, this.#at + 64))?.[0] ?? '';
    if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(word)) {
      throw new Fault(this.#at, word ? `${JSON.stringify(word)} is no value.` : 'A value is missing.');
    }
    this.#at += word.length;
  }

  #space(): void {
    while (' \n\r\t'.includes(this.text[this.#at] ?? '\0')) this.#at++;
  }

  #take(sign: string): boolean {
    if (this.text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }
}

/** Where a path stands; of one that is not there, the nearest part that is. */
export function offsetOf(index: JsonIndex, path: string): number {
  for (let known = path; known; known = known.slice(0, Math.max(known.lastIndexOf('.'), known.lastIndexOf('[')))) {
    const at = index.byPath.get(known);
    if (at !== undefined) return at;
    if (!/[.[]/.test(known)) break;
  }
  return index.byPath.get('') ?? 0;
}

/** The path of what stands at an offset: the innermost. */
export function pathAt(index: JsonIndex, offset: number): string {
  let found = '';
  for (const span of index.spans) {
    if (span.at > offset) break;
    if (offset <= span.end && span.path.length > found.length) found = span.path;
  }
  return found;
}

/** Line and column of an offset, each counted from 1. */
export function lineAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const begin = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line++;
  return { line, column: offset - begin + 1 };
}

/** Where a line begins, and where it ends. */
export function lineSpan(text: string, line: number): { from: number; to: number } {
  let from = 0;
  for (let at = 1; at < line; at++) {
    const end = text.indexOf('\n', from);
    if (end < 0) break;
    from = end + 1;
  }
  const end = text.indexOf('\n', from);
  return { from, to: end < 0 ? text.length : end };
}

/** The text with the indentation of two spaces; undefined where it is no JSON. */
export function formatted(text: string): string | undefined {
  try {
    return `${JSON.stringify(JSON.parse(text.replace(/^\uFEFF/, '')), undefined, 2)}\n`;
  } catch {
    return undefined;
  }
}
