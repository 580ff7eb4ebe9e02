import { describe, expect, it } from 'vitest';
import { changedBlocks, diffLines, pieces, type Change } from './diff';
import { emptyContent, fileNameOf, readFile } from './files';
import { formatted, indexJson, lineAt, lineSpan, offsetOf, pathAt } from './json';
import { readFlow } from './model';
import { blockOfPath, pathOfPointer, placed, problemOfMessage, syntaxProblem } from './problems';

describe('places in JSON', () => {
  const text = '{\n  "Version": "x",\n  "Actions": [\n    { "Type": "a{[" },\n    {\n      "Parameters": { "a b": 1, "Text": "\\"t\\"" }\n    }\n  ]\n}\n';
  const index = indexJson(text);
  const line = (path: string): number => lineAt(text, offsetOf(index, path)).line;

  it('are found by the paths of the server', () => {
    expect(index.fault).toBeUndefined();
    expect(['Version', 'Actions', 'Actions[0]', 'Actions[0].Type', 'Actions[1].Parameters', 'Actions[1].Parameters.Text', 'Actions[1].Parameters.a b'].map(line)).toEqual([2, 3, 4, 4, 6, 6, 6]);
  });

  it('of what is missing are those of the nearest part that is there', () => {
    expect(['Actions[1].Parameters.PromptId', 'Actions[1].Transitions.Errors[0].NextAction', 'Actions[7].Type', 'StartAction'].map(line)).toEqual([6, 5, 3, 1]);
  });

  it('are named by the cursor', () => {
    expect(pathAt(index, text.indexOf('"t'))).toBe('Actions[1].Parameters.Text');
    expect(pathAt(index, text.indexOf('"a{["'))).toBe('Actions[0].Type');
    expect(pathAt(index, 0)).toBe('');
  });

  it('of parameters of the older export are found by their names', () => {
    const older = '{"modules": [\n{"parameters": [\n{"name": "Text", "value": "x"},\n{"name": "Timeout", "value": "x"}]}]}';
    const at = offsetOf(indexJson(older), 'modules[0].parameters.Timeout');
    expect(lineAt(older, at).line).toBe(4);
  });

  it('say where the syntax breaks, and know what stands before', () => {
    const faults: [string, string, number][] = [
      ['{"a": 1,\n "b" 2}', 'A colon is missing after "b".', 2],
      ['{"a": [1,\n2\n"b"]}', 'A comma or the closing ] is missing.', 3],
      ['{"a": tru}', '"tru" is no value.', 1],
      ['{"a": 1,}', 'A name in quotation marks is missing.', 1],
      ['{\n"a": "x\n"}', 'The closing quotation mark is missing.', 2],
      ['{} x', 'Nothing may follow the end of the document.', 1],
      ['', 'A value is missing.', 1],
    ];
    for (const [broken, message, at] of faults) expect(syntaxProblem(broken, indexJson(broken))).toMatchObject({ message, line: at });
    expect(indexJson('{"a": {"b": 1}, "c": ').byPath.get('a.b')).toBe(7);
    for (const broken of ['{"a": 1,\n "b" 2}', '{"a": tru}', '{"a":"\\x"}', '[01]', '{"a" : 1e}']) {
      expect(() => JSON.parse(broken)).toThrow();
      expect(indexJson(broken).fault, broken).toBeDefined();
    }
    expect(indexJson(`${'['.repeat(100_000)}`).fault?.message).toBe('This is nested too deeply.');
  });

  it('are lines with a begin and an end', () => {
    expect(lineSpan('ab\ncd\nef', 2)).toEqual({ from: 3, to: 5 });
    expect(lineSpan('ab', 9)).toEqual({ from: 0, to: 2 });
    expect([formatted('{"a":[1]}'), formatted('{')]).toEqual(['{\n  "a": [\n    1\n  ]\n}\n', undefined]);
  });
});

describe('problems', () => {
  it('have the line of the server, else that of their path, and stand in order', () => {
    const content = '{\n"Actions": [\n{ "Type": "x" }\n]\n}';
    const found = placed(content, [
      { Severity: 'WARNING', Path: 'Actions[0].Type', Line: null, Column: null, Action: 'a', Message: 'one' },
      { Severity: 'ERROR', Path: 'StartAction', Line: 1, Column: 2, Action: null, Message: 'two' },
    ]);
    expect(found.map(({ line, message, severity }) => [line, message, severity])).toEqual([[1, 'two', 'ERROR'], [3, 'one', 'WARNING']]);
  });

  it('of a refusal are taken apart', () => {
    expect(problemOfMessage('Actions[3].Parameters.Text must not be empty')).toMatchObject({ Path: 'Actions[3].Parameters.Text', Message: 'must not be empty' });
    expect(problemOfMessage('flow content is not JSON: line 4, column 7: expected value')).toMatchObject({ Line: 4, Column: 7 });
    expect(problemOfMessage('flow content: /Actions/3/Identifier must be a text')).toMatchObject({ Path: 'Actions[3].Identifier' });
    expect(problemOfMessage('something else')).toMatchObject({ Path: '', Message: 'something else' });
    expect(pathOfPointer('/a~1b/0/c')).toBe('a/b[0].c');
    expect(blockOfPath('Actions[1].Type', [{ path: 'Actions[0]', id: 'x' }, { path: 'Actions[1]', id: 'y' }])).toBe('y');
  });
});

/** The texts that a script is made of. */
const sides = (changes: Change[]): [string, string] => [
  changes.filter(({ kind }) => kind !== 'added').map(({ text }) => text).join('\n'),
  changes.filter(({ kind }) => kind !== 'removed').map(({ text }) => text).join('\n'),
];

describe('differences', () => {
  it('are the fewest lines', () => {
    const changes = diffLines('a\nb\nc\na\nb\nb\na', 'c\nb\na\nb\na\nc');
    expect(changes.filter(({ kind }) => kind !== 'same')).toHaveLength(5);
    expect(sides(changes)).toEqual(['a\nb\nc\na\nb\nb\na', 'c\nb\na\nb\na\nc']);
    expect(diffLines('a\nb', 'a\nx\nb')).toEqual([
      { kind: 'same', text: 'a', before: 1, after: 1 }, { kind: 'added', text: 'x', after: 2 }, { kind: 'same', text: 'b', before: 2, after: 3 },
    ]);
  });

  it('lead from one text to the other, whatever they are', () => {
    let state = 7;
    const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    for (let round = 0; round < 200; round++) {
      const text = (): string => Array.from({ length: random(14) }, () => 'abc'[random(3)]).join('\n');
      const [one, other] = [text(), text()];
      expect(sides(diffLines(one, other))).toEqual([one, other]);
    }
    const long = (word: string): string => Array.from({ length: 5_000 }, (_, at) => `${word}${at}`).join('\n');
    expect(sides(diffLines(long('a'), long('b')))).toEqual([long('a'), long('b')]);
  });

  it('show the lines around them', () => {
    const before = Array.from({ length: 40 }, (_, at) => `line ${at}`);
    const after = before.map((line) => (line === 'line 20' ? 'other' : line));
    const [piece, ...others] = pieces(diffLines(before.join('\n'), after.join('\n')));
    expect(others).toEqual([]);
    expect([piece?.hidden, piece?.changes.length]).toEqual([17, 8]);
    expect(pieces(diffLines('a', 'a'))).toEqual([]);
  });

  it('of blocks name the members', () => {
    const flow = (text: string, ...more: object[]) => {
      const found = readFlow(JSON.stringify({ Actions: [{ Identifier: 'a', Type: 'MessageParticipant', Parameters: { Text: text } }, { Identifier: 'b', Type: 'Wait' }, ...more] }));
      if (!found) throw new Error('no flow');
      return found;
    };
    const changed = changedBlocks(flow('one'), flow('two', { Identifier: 'c', Type: 'Wait' }));
    expect(changed.map(({ id, parts }) => [id, ...parts])).toEqual([
      ['a', { name: 'Parameters.Text', before: 'one', after: 'two' }],
      ['c', { name: 'Identifier', before: '', after: 'c' }, { name: 'Type', before: '', after: 'Wait' }],
    ]);
    expect(changedBlocks(flow('one'), flow('one'))).toEqual([]);
  });
});

describe('files', () => {
  const content = '{"Version":"2019-10-30","Metadata":{"name":"Inner","type":"customerQueue"},"Actions":[]}';
  it('are contents, answers, and older exports', () => {
    expect(readFile(`\uFEFF${content}`, 'x.json')).toEqual({ name: 'Inner', type: 'CUSTOMER_QUEUE', isModule: false, content });
    expect(readFile(JSON.stringify({ ContactFlow: { Name: 'Outer', Type: 'CONTACT_FLOW', Content: content } }), 'x.json')).toEqual({ name: 'Outer', type: 'CONTACT_FLOW', isModule: false, content });
    expect(readFile(JSON.stringify({ ContactFlowModule: { Name: 'M', Content: content } }), 'x.json')).toMatchObject({ isModule: true, type: 'MODULE' });
    expect(readFile('{"modules":[],"type":"agentWhisper"}', 'Old one.json')).toMatchObject({ name: 'Old one', type: 'AGENT_WHISPER' });
    expect(readFile('{"Settings":{},"Actions":[]}', 'part.module.json')).toMatchObject({ name: 'part', isModule: true });
    for (const text of ['', 'hello', '[]', '{"a":1}', '{"ContactFlow":{"Content":"hello"}}']) expect(typeof readFile(text, 'x')).toBe('string');
  });

  it('have plain names', () => {
    expect([fileNameOf('Main line', false), fileNameOf('../a:b', true), fileNameOf('Österreich', false)]).toEqual(['Main line.json', '/a_b.module.json'.replace('/', '_'), 'Österreich.json']);
  });

  it('of new flows end at once', () => {
    expect(readFlow(emptyContent('MODULE'))?.blocks[0]?.title).toBe('Return');
    expect(readFlow(emptyContent('CONTACT_FLOW'))?.blocks[0]?.title).toBe('Disconnect / hang up');
    expect(readFlow(emptyContent('AGENT_HOLD'))?.blocks[0]?.title).toBe('End flow / Resume');
  });
});
