import type { ContactRecord, FlowLogLine } from '../api/tympan';
import { duration, place } from '../format/duration';
import { instant } from '../format/time';
import { blockName, type Stretch } from './call';

/** Blocks that play prompts and do nothing else: they are done when the prompts are heard. */
const PLAYS = new Set(['PlayPrompt', 'LoopPrompts']);
/** Blocks that may begin with a prompt, and wait for an answer then. */
const ASKS = new Set(['GetUserInput', 'StoreUserInput']);
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

const audioPrompt = (line: FlowLogLine): string | undefined => {
  const named = line.Parameters?.['AudioPrompt'];
  return typeof named === 'string' && named !== '[redacted]' ? named : undefined;
};

/** The ids of the prompts that a flow log names. */
export const promptIds = (lines: readonly FlowLogLine[]): string[] => [...new Set(lines.flatMap((line) => audioPrompt(line)?.split('/').at(-1) ?? []))];

/** What a prompt is called: by the instance, else by its block in the flow. */
function nameOf(line: FlowLogLine, names: ReadonlyMap<string, string>): string {
  const audio = audioPrompt(line);
  const known = audio && names.get(audio.split('/').at(-1) ?? '');
  if (known) return known;
  return UUID.test(line.Identifier) ? blockName(line.ContactFlowModuleType) : line.Identifier;
}

/**
 * The prompts that blocks played, a moment after they began: a voice takes its time. The flow log has the end of each block: a block begins where the one before it in the same flow ended, the
 * first block of a call with the call. Of an end or a begin that the log does not have there is a mark in place of a stretch.
 */
export function promptStretches(lines: readonly FlowLogLine[], origin: number, names: ReadonlyMap<string, string>): Stretch[] {
  const found: Stretch[] = [];
  let before: FlowLogLine | undefined;
  const at = (line: FlowLogLine): number => Math.max(0, (instant(line.Timestamp) ?? origin) - origin);
  for (const line of lines) {
    const begin = before === undefined ? 0 : before.ContactFlowName === line.ContactFlowName ? at(before) : undefined;
    before = line;
    const type = line.ContactFlowModuleType;
    const name = nameOf(line, names);
    const told = { name, kind: 'prompt' as const };
    const inFlow = `in the flow ${line.ContactFlowName}`;
    if (PLAYS.has(type) && !/error/i.test(line.Results ?? '')) {
      const end = at(line);
      if (begin === undefined) found.push({ ...told, from: end, to: end, about: `${name}: its block ended at ${place(end)}, ${inFlow}. The flow log does not have its begin.` });
      else found.push({ ...told, from: begin, to: end, about: `${name}: its block ran from ${place(begin)} to ${place(end)} (${duration(end - begin)}), ${inFlow}` });
    } else if (ASKS.has(type) && begin !== undefined) {
      found.push({ ...told, from: begin, to: begin, about: `${name}: its block began at ${place(begin)}, ${inFlow}. The flow log has no end of a prompt that asks.` });
    }
  }
  return found;
}

/** The times for which the agent had the customer on hold. */
export function holdStretches(record: ContactRecord<unknown>, origin: number, end: number | undefined): Stretch[] {
  return (record.Agent?.Holds ?? []).map((hold) => {
    const [from, to] = [instant(hold.From) ?? origin, instant(hold.To)];
    return { name: 'on hold', kind: 'hold', from: Math.max(0, from - origin), to: to === undefined ? end : Math.max(0, to - origin) };
  });
}
