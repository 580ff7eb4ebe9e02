import type { ContactRecord, FlowLogLine } from '../api/tympan';
import { instant, instantOf, wallOf } from '../format/time';

/** A named stretch of a call, in milliseconds from its begin. */
export interface Stretch {
  name: string;
  from: number;
  /** Undefined while it goes on. */
  to: number | undefined;
  kind: 'flow' | 'waiting' | 'agent' | 'hold' | 'prompt';
  /** In place of its name and its times. */
  about?: string;
}

/** The flows that a call went through. A line is written when its block is done: a flow begins where the one before ended. */
export function flowStretches(lines: readonly FlowLogLine[], origin: number, end: number | undefined): Stretch[] {
  const found: Stretch[] = [];
  let last = 0;
  for (const line of lines) {
    const at = Math.max(0, (instant(line.Timestamp) ?? origin) - origin);
    const open = found.at(-1);
    if (open?.name !== line.ContactFlowName) {
      if (open) open.to = last;
      found.push({ name: line.ContactFlowName, from: open ? last : 0, to: undefined, kind: 'flow' });
    }
    last = at;
  }
  const open = found.at(-1);
  if (open) open.to = end;
  return found;
}

/** Who the customer waited for and spoke to. */
export function agentStretches(record: ContactRecord<unknown>, origin: number, end: number | undefined): Stretch[] {
  const at = (text: string | null | undefined): number | undefined => {
    const time = instant(text);
    return time === undefined ? undefined : Math.max(0, time - origin);
  };
  const found: Stretch[] = [];
  const { Queue: queue, Agent: agent } = record;
  const enqueued = at(queue?.EnqueueTimestamp);
  if (queue && enqueued !== undefined) found.push({ name: queue.Name ?? 'waiting', from: enqueued, to: at(queue.DequeueTimestamp) ?? end, kind: 'waiting' });
  const connected = at(agent?.ConnectedToAgentTimestamp);
  if (agent && connected !== undefined) {
    found.push({ name: agent.Username, from: connected, to: at(agent.AfterContactWorkStartTimestamp) ?? end, kind: 'agent' });
  }
  return found;
}

/** A step of the path: a block that is done, or several lines of one block. */
export interface Step {
  at: number;
  block: string;
  name: string;
  flow: string;
  result: string;
  /** Whether it is the first of its flow. */
  isFirst: boolean;
  isError: boolean;
}

/** Blocks by the names that the administrator guide gives them. */
const BLOCKS: Record<string, string> = {
  CheckAttribute: 'Check contact attributes',
  Disconnect: 'Disconnect / hang up',
  GetUserInput: 'Get customer input',
  InvokeExternalResource: 'Invoke AWS Lambda function',
  Loop: 'Loop',
  PlayPrompt: 'Play prompt',
  SetAttributes: 'Set contact attributes',
  SetLoggingBehavior: 'Set logging behavior',
  SetQueue: 'Set working queue',
  SetVoice: 'Set voice',
  StartMediaStreaming: 'Start media streaming',
  StopMediaStreaming: 'Stop media streaming',
  StoreUserInput: 'Store customer input',
  Transfer: 'Transfer',
  Wait: 'Wait',
};

/** The guide's name of a block; of one that it does not name, the words in its type. */
export const blockName = (type: string): string =>
  BLOCKS[type] ?? type.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);

export function steps(lines: readonly FlowLogLine[], origin: number): Step[] {
  const made: Step[] = [];
  let before: FlowLogLine | undefined;
  for (const line of lines) {
    const isSame = before && before.Identifier === line.Identifier && before.Timestamp === line.Timestamp && before.ContactFlowModuleType === line.ContactFlowModuleType;
    const isFirst = before?.ContactFlowName !== line.ContactFlowName;
    before = line;
    if (isSame) continue;
    const result = line.Results ?? '';
    made.push({
      at: Math.max(0, (instant(line.Timestamp) ?? origin) - origin),
      block: blockName(line.ContactFlowModuleType),
      name: line.Identifier,
      flow: line.ContactFlowName,
      result,
      isFirst,
      isError: /error|fail/i.test(result),
    });
  }
  return made;
}

/** Reads where to go: `3:27`, `1:02:03.5`, `207.4`, `-30` from the end, or a clock `08:34:12` where the call has it. */
export function readPlace(text: string, length: number): number | undefined {
  const given = text.trim();
  if (/^-\d+(\.\d+)?$/.test(given)) return Math.max(0, length + Number(given) * 1000);
  const parts = given.split(':');
  if (parts.length > 3 || !parts.every((part, at) => (at === parts.length - 1 ? /^\d+(\.\d+)?$/ : /^\d+$/).test(part))) return undefined;
  const seconds = parts.reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds * 1000 <= length ? seconds * 1000 : undefined;
}

/** Reads a time of day, with or without seconds, where the call has it. */
export function readClock(text: string, origin: number, length: number, zone: string): number | undefined {
  const found = /^(\d{1,2}):(\d\d)(?::(\d\d)(\.\d{1,3})?)?$/.exec(text.trim());
  if (!found) return undefined;
  const [hour, minute, second] = [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const at = (instant: number): number => instantOf({ ...wallOf(instant, zone), hour, minute, second }, zone) + Math.round(Number(found[4] ?? 0) * 1000) - origin;
  // A call goes over midnight: the clock is looked for on the day of its begin and of its end.
  const time = [at(origin), at(origin + length)].find((one) => one > -60_000 && one <= length);
  if (time === undefined) return undefined;
  // Without seconds, the minute in which the call began is the begin of the call.
  if (time < 0) return found[3] === undefined ? 0 : undefined;
  return time;
}
