import { expect, it } from 'vitest';
import type { ContactRecord, FlowLogLine } from '../api/tympan';
import { holdStretches, promptIds, promptStretches } from './prompts';

const ORIGIN = Date.UTC(2026, 10, 29, 16, 31, 7);
const at = (milliseconds: number): string => new Date(ORIGIN + milliseconds).toISOString();
const line = (time: number, flow: string, block: string, Identifier: string, more: Partial<FlowLogLine> = {}): FlowLogLine => ({
  Timestamp: at(time), ContactFlowId: flow, ContactFlowName: flow, ContactFlowModuleType: block, Identifier, Results: 'Success', ...more,
});
const ID = '11111111-2222-4333-8444-555555555555';
const BEEP = { Parameters: { AudioPrompt: `arn:aws:connect:us-west-2:111122223333:instance/i/prompt/${ID}` } };

it('a prompt is from the end of the block before it to the end of its own', () => {
  const lines = [
    line(1_000, 'Main', 'PlayPrompt', 'welcome'),
    line(1_100, 'Main', 'SetAttributes', 'keep'),
    line(3_100, 'Main', 'PlayPrompt', ID, BEEP),
    line(4_000, 'Main', 'PlayPrompt', 'gone', { Results: 'Error' }),
    line(9_000, 'Main', 'GetUserInput', ID),
    line(60_000, 'Whisper', 'PlayPrompt', 'hello'),
  ];
  const found = promptStretches(lines, ORIGIN, new Map([[ID, 'Beep.wav']]));
  expect(found.map(({ name, from, to }) => [name, from, to])).toEqual([
    ['welcome', 0, 1_000],
    ['Beep.wav', 1_100, 3_100],
    // Of a question the end is not known, of the first block of a later flow the begin.
    ['Get customer input', 4_000, 4_000],
    ['hello', 60_000, 60_000],
  ]);
  expect(found[1]?.about).toBe('Beep.wav: its block ran from 0:01.1 to 0:03.1 (0:02), in the flow Main');
  expect(found[3]?.about).toContain('does not have its begin');
  expect(promptIds(lines)).toEqual([ID]);
});

it('a value that the log does not show names no prompt', () => {
  const lines = [line(1_000, 'Main', 'PlayPrompt', ID, { Parameters: { AudioPrompt: '[redacted]' } })];
  expect(promptIds(lines)).toEqual([]);
  expect(promptStretches(lines, ORIGIN, new Map()).map(({ name }) => name)).toEqual(['Play prompt']);
});

it('holds have their times, and one that lasts goes on', () => {
  const Holds = [{ From: at(5_250), To: at(6_750) }, { From: at(9_000), To: null }];
  const record = { Agent: { Holds } } as unknown as ContactRecord;
  expect(holdStretches(record, ORIGIN, undefined)).toEqual([
    { name: 'on hold', kind: 'hold', from: 5_250, to: 6_750 },
    { name: 'on hold', kind: 'hold', from: 9_000, to: undefined },
  ]);
  expect(holdStretches({ Agent: null } as unknown as ContactRecord, ORIGIN, undefined)).toEqual([]);
});
