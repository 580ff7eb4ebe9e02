import { describe, expect, it } from 'vitest';
import type { ContactRecord, FlowLogLine } from '../api/tympan';
import { agentStretches, blockName, flowStretches, readClock, readPlace, steps } from './call';

const ORIGIN = Date.UTC(2026, 10, 29, 16, 31, 7);
const at = (milliseconds: number): string => new Date(ORIGIN + milliseconds).toISOString();
const line = (time: number, flow: string, block: string, name = block, Results = 'Success'): FlowLogLine => ({
  Timestamp: at(time), ContactFlowId: flow, ContactFlowName: flow, ContactFlowModuleType: block, Identifier: name, Results,
});

describe('the path of a call', () => {
  const lines = [
    line(50, 'Main line', 'StartMediaStreaming'),
    line(60, 'Main line', 'SetAttributes', 'keep'),
    line(60, 'Main line', 'SetAttributes', 'keep'),
    line(8_000, 'Main line', 'GetUserInput', 'menu', '2'),
    line(45_000, 'Billing', 'InvokeExternalResource', 'ask balance', 'Error'),
  ];

  it('has a stretch for each flow, and one that goes on', () => {
    expect(flowStretches(lines, ORIGIN, undefined)).toEqual([
      { name: 'Main line', from: 0, to: 8_000, kind: 'flow' },
      { name: 'Billing', from: 8_000, to: undefined, kind: 'flow' },
    ]);
    expect(flowStretches([], ORIGIN, 9)).toEqual([]);
  });

  it('has a step for each block, in the words of the guide', () => {
    expect(steps(lines, ORIGIN).map(({ block, result, isFirst, isError }) => [block, result, isFirst, isError])).toEqual([
      ['Start media streaming', 'Success', true, false],
      ['Set contact attributes', 'Success', false, false],
      ['Get customer input', '2', false, false],
      ['Invoke AWS Lambda function', 'Error', true, true],
    ]);
    expect(blockName('SetDisconnectFlow')).toBe('Set disconnect flow');
  });

  it('has the wait and the agent', () => {
    const record = {
      Queue: { ARN: 'q', Name: 'Billing', EnqueueTimestamp: at(45_000), DequeueTimestamp: at(83_000) },
      Agent: { ARN: 'a', Username: 'agent-07', ConnectedToAgentTimestamp: at(84_000), AfterContactWorkStartTimestamp: null, NumberOfHolds: 0 },
    } as unknown as ContactRecord;
    expect(agentStretches(record, ORIGIN, 252_000)).toEqual([
      { name: 'Billing', from: 45_000, to: 83_000, kind: 'waiting' },
      { name: 'agent-07', from: 84_000, to: 252_000, kind: 'agent' },
    ]);
  });
});

describe('a place of a call', () => {
  it('is read as people write it', () => {
    expect(['3:27', '207.4', '-30', '0:03:27.5'].map((text) => readPlace(text, 252_000))).toEqual([207_000, 207_400, 222_000, 207_500]);
    for (const text of ['', 'x', '9:00', '1:2:3:4', '3:', '1.5:00']) expect(readPlace(text, 252_000)).toBeUndefined();
  });

  it('is read as a time of day', () => {
    const origin = Date.UTC(2026, 10, 29, 16, 31, 7);
    const read = (text: string): number | undefined => readClock(text, origin, 252_000, 'America/Los_Angeles');
    expect(['08:34', '08:34:34.2', '8:31:07', '08:31'].map(read)).toEqual([173_000, 207_200, 0, 0]);
    for (const text of ['08:31:06', '09:00', '25:00', '08:60', 'x', '08:3']) expect(read(text)).toBeUndefined();
    const late = Date.UTC(2026, 10, 30, 7, 59, 0);
    expect(readClock('00:01', late, 600_000, 'America/Los_Angeles')).toBe(120_000);
  });
});
