import * as dagre from '@dagrejs/dagre';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rows, lit, errorWords, took } from './activity';
import { layOut, rounded } from './layout';
import { ENTRY, edgesOf, headingOf, readFlow, readingOrder, type FlowModel } from './model';
import { blockTitle } from './names';
import { step } from './walk';

const FIXTURES = new URL('../../../fixtures/flows/', import.meta.url);
const fixture = (name: string): string => readFileSync(new URL(name, FIXTURES), 'utf8');
const read = (content: string): FlowModel => {
  const flow = readFlow(content);
  if (!flow) throw new Error('no flow');
  return flow;
};

const end = { Identifier: 'end', Type: 'DisconnectParticipant', Parameters: {}, Transitions: {} };
const flowOf = (...actions: object[]): FlowModel => read(JSON.stringify({ Version: '2019-10-30', StartAction: 'a', Metadata: {}, Actions: [...actions, end] }));

const MENU = {
  Identifier: 'a', Type: 'GetParticipantInput', Parameters: { Text: 'Press <break/> 1', InputTimeLimitSeconds: '5' },
  Transitions: {
    NextAction: 'end',
    Conditions: [{ NextAction: 'b', Condition: { Operator: 'Equals', Operands: ['1'] } }, { NextAction: 'c', Condition: { Operator: 'Equals', Operands: ['2'] } }],
    Errors: [{ NextAction: 'a', ErrorType: 'InputTimeLimitExceeded' }, { NextAction: 'end', ErrorType: 'NoMatchingCondition' }, { NextAction: 'end', ErrorType: 'NoMatchingError' }],
  },
};
const say = (id: string, to: string): object => ({ Identifier: id, Type: 'MessageParticipant', Parameters: { Text: 'Hello' }, Transitions: { NextAction: to, Errors: [{ NextAction: 'end', ErrorType: 'NoMatchingError' }] } });

describe('blocks', () => {
  it('have the names of the designer, their parameters in a line, and branches that say what leads there', () => {
    const flow = flowOf(MENU, say('b', 'end'), say('c', 'gone'));
    const [menu] = flow.blocks;
    expect([menu?.title, menu?.line, menu && headingOf(menu)]).toEqual(['Get customer input', 'Press … 1', 'a']);
    // The next block of a menu repeats another branch, and is none of its own.
    expect(menu?.branches.map(({ label, to }) => `${label} ${to}`)).toEqual(['1 b', '2 c', 'Timeout a', 'No match end', 'Error end']);
    expect(flow.blocks[1]?.branches.map(({ label, isFailure }) => [label, isFailure])).toEqual([['Success', false], ['Error', true]]);
  });

  it('are named by their parameters where a type is several blocks', () => {
    expect(blockTitle('GetParticipantInput', { StoreInput: 'True' })).toBe('Store customer input');
    expect(blockTitle('UpdateContactMediaStreamingBehavior', { MediaStreamingState: 'Disabled' })).toBe('Stop media streaming');
    expect(blockTitle('CheckMetricData', { MetricType: 'NumberOfContactsInQueue' })).toBe('Check queue status');
    expect(blockTitle('UpdateContactEventHooks', { EventHooks: { CustomerQueue: 'x' } })).toBe('Set customer queue flow');
    expect(blockTitle('PauseContact', {})).toBe('Pause contact');
  });

  it('take the names of resources from what the server found, then from the file', () => {
    const queue = { Identifier: 'a', Type: 'UpdateContactTargetQueue', Parameters: { QueueId: 'arn:x/queue/11111111-2222' }, Transitions: { NextAction: 'end', Errors: [] } };
    const content = JSON.stringify({ StartAction: 'a', Metadata: { ActionMetadata: { a: { queue: { text: 'Billing' } } } }, Actions: [queue, end] });
    expect(read(content).blocks[0]?.line).toBe('Billing');
    expect(readFlow(content, new Map([['Actions[0].Parameters.QueueId', 'Sales']]))?.blocks[0]?.line).toBe('Sales');
    expect(flowOf(queue).blocks[0]?.line).toBe('11111111…');
  });

  it('show a distribution as shares', () => {
    const less = (sum: string): object => ({ NextAction: 'end', Condition: { Operator: 'NumberLessThan', Operands: [sum] } });
    const flow = flowOf({ Identifier: 'a', Type: 'DistributeByPercentage', Transitions: { NextAction: 'end', Conditions: [less('4'), less('10')], Errors: [{ NextAction: 'end', ErrorType: 'NoMatchingCondition' }] } });
    expect(flow.blocks[0]?.branches.map(({ label }) => label)).toEqual(['3 %', '6 %', 'No match']);
  });

  it('are read of the older export too', () => {
    const flow = read(fixture('shapes/menu-older.json'));
    expect(flow).toMatchObject({ language: 'EXPORT', name: 'Menu 2019', type: 'contactFlow' });
    expect(flow.blocks.map(({ title, line }) => `${title}: ${line}`)).toEqual([
      'Get customer input: Press 1 for sales.', 'Set working queue: BasicQueue', 'Transfer to queue: ', 'Play prompt: Too late.', 'Play prompt: Goodbye.', 'Disconnect / hang up: ',
    ]);
    expect(flow.blocks[0]?.branches.map(({ label, isFailure }) => [label, isFailure])).toEqual([['1', false], ['Timeout', false], ['No match', false], ['Error', true]]);
    expect(flow.byId.get(flow.start)?.type).toBe('GetParticipantInput');
  });

  it('of a text that is no flow are none', () => {
    for (const content of ['', '{', '[]', '{"a":1}', 'null']) expect(readFlow(content)).toBeUndefined();
    expect(readFlow('\uFEFF{"Actions":[{}]}')?.blocks[0]?.id).toBe('');
  });
});

describe('lines', () => {
  it('join the branches between two blocks', () => {
    const edges = edgesOf(flowOf(MENU, say('b', 'end'), say('c', 'gone')));
    const between = (from: string, to: string) => edges.find((edge) => edge.from === from && edge.to === to);
    expect(between('a', 'end')).toMatchObject({ label: 'No match, Error', isFailure: false });
    expect(between('c', 'end')).toMatchObject({ label: 'Error', isFailure: true });
    expect(between('c', 'gone')).toMatchObject({ isBroken: true });
    expect(between('b', 'end')).toMatchObject({ label: 'Success, Error', isFailure: false });
  });

  it('have round corners', () => {
    expect(rounded([{ x: 0, y: 0 }, { x: 0, y: 40 }, { x: 40, y: 40 }])).toBe('M0 0L0 30Q0 40 10 40L40 40');
    expect(rounded([])).toBe('');
  });
});

describe('reading', () => {
  it('goes from the start along the branches, failures last, and ends with what is not reached', () => {
    const { order, unreached } = readingOrder(flowOf(MENU, say('x', 'end'), say('c', 'end'), say('b', 'end')));
    expect(order.map(({ id }) => id)).toEqual(['a', 'b', 'end', 'c', 'x']);
    expect([...unreached]).toEqual(['x']);
  });

  it('steps along the branch that most calls took, back, and to its siblings', () => {
    const flow = flowOf(MENU, say('b', 'end'), say('c', 'end'));
    const { order } = readingOrder(flow);
    const go = (from: string, by: Parameters<typeof step>[3], cameFrom?: string, counts: Record<string, number> = {}) =>
      step(flow, order, from, by, cameFrom, (edge) => counts[`${edge.from}${edge.to}`] ?? 0);
    expect(go('a', 'on')).toBe('b');
    expect(go('a', 'on', undefined, { ac: 3, ab: 1 })).toBe('c');
    expect(go('c', 'back', 'a')).toBe('a');
    expect(go('b', 'next', 'a')).toBe('c');
    expect(go('c', 'previous', 'a')).toBe('b');
    expect(go('end', 'on')).toBeUndefined();
  });
});

describe('the drawing', () => {
  const names = ['seed.json', 'seed-modules.json', 'queue.json', 'broken.json', 'menu.json', 'shapes/voicemail.json', 'shapes/retry.json', 'shapes/module-in-a-loop.json', 'shapes/set-everything.json'];
  it.each(names)('of %s has every block once, apart from the others, with lines of numbers', (name) => {
    const flow = read(fixture(name));
    const layout = layOut(dagre, flow);
    expect(layout.nodes.size).toBe(flow.byId.size);
    const boxes = [...layout.nodes.values(), layout.entry, ...layout.broken];
    for (const [at, one] of boxes.entries()) {
      expect(Number.isFinite(one.x) && one.x >= 0 && one.x + one.width <= layout.width + 1).toBe(true);
      for (const other of boxes.slice(at + 1)) {
        const apart = one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
        expect(apart, `${one.id} and ${other.id}`).toBe(true);
      }
    }
    for (const line of layout.lines) expect(line.path).toMatch(/^M[-\d. LQ]+$/);
  });

  it('writes into the blocks what would be long lines in a large flow', () => {
    const chain = Array.from({ length: 60 }, (_, at) => say(at === 0 ? 'a' : `b${at}`, at === 59 ? 'end' : `b${at + 1}`));
    const flow = flowOf(...chain);
    const layout = layOut(dagre, flow);
    const all = [...layout.written.values()].flat();
    expect(all.length).toBeGreaterThan(30);
    expect(all.every((edge) => edge.isFailure && edge.to === 'end')).toBe(true);
    expect(layout.lines.length + all.length).toBe(edgesOf(flow).length);
    // Each block is still reached by a line.
    for (const id of flow.byId.keys()) expect(layout.lines.some((line) => line.to === id), id).toBe(true);
    expect(layout.nodes.get('a')?.height).toBe(92);
    expect(layOut(dagre, flowOf(MENU, say('b', 'end'), say('c', 'end'))).written.size).toBe(0);
  });

  it('draws a loop of a block to itself', () => {
    const layout = layOut(dagre, flowOf(MENU, say('b', 'end'), say('c', 'end')));
    const own = layout.lines.find((line) => line.from === 'a' && line.to === 'a');
    const block = layout.nodes.get('a');
    const right = (block?.x ?? 0) + (block?.width ?? 0);
    expect(own?.path.startsWith(`M${right} `)).toBe(true);
    expect(own?.path).toMatch(new RegExp(`L${right} [\\d.]+$`));
    expect(own?.x).toBeGreaterThan(right);
  });
});

describe('activity', () => {
  const flow = flowOf(MENU, say('b', 'end'), say('c', 'end'));
  const block = { Identifier: 'b', Type: 'MessageParticipant', Executions: 218, Errors: 9, DurationMilliseconds: { P50: 184, P99: 7_900, Max: 8_000 }, LastErrors: [] };
  const lights = lit({ Since: '2026-11-29T00:00:00Z', Runs: 400, Complete: true, Blocks: [block], Transitions: [{ From: 'a', To: 'b', Count: 218 }] });

  it('says how many took a line, and that none did', () => {
    const { order, unreached } = readingOrder(flow);
    const [menu] = rows(flow, order, unreached, lights);
    expect(menu?.ways.map(({ label, count }) => `${label} ${count}`)).toEqual(['1 218', '2 0', 'Timeout 0', 'No match, Error 0']);
    expect(lights.taken({ from: ENTRY, to: 'a' })).toBe(400);
    expect(rows(flow, order, unreached, undefined)[0]?.ways[0]?.count).toBeUndefined();
  });

  it('writes shares and times', () => {
    expect(errorWords(block)).toBe('9 errors, 4.1 %');
    expect(errorWords({ ...block, Errors: 0 })).toBe('');
    expect([41, 6_100, 150_000].map(took)).toEqual(['41 ms', '6.1 s', '2.5 min']);
  });
});
