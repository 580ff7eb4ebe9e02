/** A flow of either language as blocks and branches: what is drawn, listed and compared. */
import { blockTitle, conditionLabel, errorLabel, isFailure } from './names';
import { branchOf, translate } from './older';
import { parameterLine } from './summary';

export interface Branch {
  label: string;
  kind: 'next' | 'condition' | 'error';
  /** A failure of the block: drawn red. */
  isFailure: boolean;
  to: string;
}

export interface Block {
  id: string;
  /** The action type of 2019-10-30. */
  type: string;
  /** What Amazon's designer calls the block. */
  title: string;
  /** The name that the flow's author gave it; undefined for a generated identifier. */
  name: string | undefined;
  /** Its key parameters. */
  line: string;
  /** `Actions[3]`, or `modules[3]`. */
  path: string;
  parameters: Record<string, unknown>;
  branches: Branch[];
  /** The block as it is written. */
  source: unknown;
}

export interface FlowModel {
  language: 'FLOW' | 'EXPORT';
  start: string;
  blocks: Block[];
  byId: ReadonlyMap<string, Block>;
  name: string | undefined;
  type: string | undefined;
}

/** The names of resources that the server found, by path of the parameter. */
export type ResolvedNames = ReadonlyMap<string, string>;

type Members = Record<string, unknown>;
const members = (value: unknown): Members => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value));

/** Types without a branch of success in the designer: their NextAction repeats another branch. */
const MIRRORED = new Set([
  'Compare', 'GetParticipantInput', 'ConnectParticipantWithLexBot', 'DistributeByPercentage', 'CheckHoursOfOperation', 'CheckMetricData', 'Loop', 'TransferToFlow',
  'TransferContactToQueue', 'Wait', 'ShowView', 'CheckOutboundCallStatus',
]);

const isGenerated = (id: string): boolean => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(id);

/** Reads content of either language; undefined for what is no flow. */
export function readFlow(content: string, resolved: ResolvedNames = new Map()): FlowModel | undefined {
  let document: Members;
  try {
    document = members(JSON.parse(content.replace(/^\uFEFF/, '')));
  } catch {
    return undefined;
  }
  if (Array.isArray(document['Actions'])) return current(document, resolved);
  return Array.isArray(document['modules']) ? exported(document, resolved) : undefined;
}

function current(document: Members, resolved: ResolvedNames): FlowModel {
  const metadata = members(document['Metadata']);
  const known = members(metadata['ActionMetadata']);
  const blocks = list(document['Actions']).map((source, index): Block => {
    const action = members(source);
    const [id, type, parameters] = [text(action['Identifier']), text(action['Type']), members(action['Parameters'])];
    const path = `Actions[${index}]`;
    const transitions = members(action['Transitions']);
    const branches: Branch[] = [];
    for (const item of list(transitions['Conditions']).map(members)) {
      const condition = members(item['Condition']);
      const label = conditionLabel(type, text(condition['Operator']), list(condition['Operands']));
      branches.push({ label, kind: 'condition', isFailure: false, to: text(item['NextAction']) });
    }
    for (const item of list(transitions['Errors']).map(members)) branches.push(failed(text(item['ErrorType']), text(item['NextAction'])));
    const next = transitions['NextAction'];
    if (next !== undefined) {
      const to = text(next);
      const isRepeated = MIRRORED.has(type) && branches.some((branch) => branch.to === to);
      if (!isRepeated) branches.unshift({ label: branches.length > 0 ? 'Success' : '', kind: 'next', isFailure: false, to });
    }
    if (type === 'DistributeByPercentage') shares(branches);
    const names = resourceNames(members(known[id]));
    const line = parameterLine(type, parameters, (name) => resolved.get(`${path}.Parameters.${name}`) ?? names[name.replace(/^.*\./, '')] ?? (name.startsWith('EventHooks.') ? names['ContactFlowId'] : undefined));
    return { id, type, title: blockTitle(type, parameters), name: isGenerated(id) ? undefined : id, line, path, parameters, branches, source };
  });
  return finish('FLOW', text(document['StartAction']), blocks, metadata['name'], metadata['type']);
}

function exported(document: Members, resolved: ResolvedNames): FlowModel {
  const metadata = members(document['metadata']);
  const blocks = list(document['modules']).map((source, index): Block => {
    const module = members(source);
    const [id, kind] = [text(module['id']), text(module['type'])];
    const path = `modules[${index}]`;
    const { type, parameters, names } = translate(kind, text(module['target']), list(module['parameters']).map(members));
    const branches = list(module['branches']).map((item): Branch => {
      const branch = members(item);
      const [name, to] = [text(branch['condition']), text(branch['transition'])];
      if (typeof branch['conditionType'] === 'string') {
        const operand = text(branch['conditionValue']);
        const label = kind === 'PercentileBranching' ? `${operand} %` : conditionLabel(type, branch['conditionType'], [operand]);
        return { label, kind: 'condition', isFailure: false, to };
      }
      const read = branchOf(kind, name);
      if (read.kind === 'next') return { label: 'Success', kind: 'next', isFailure: false, to };
      if (read.kind === 'result') return { label: conditionLabel(type, 'Equals', [read.operand]), kind: 'condition', isFailure: false, to };
      return failed(read.error, to);
    });
    const [only] = branches;
    if (branches.length === 1 && only?.kind === 'next') only.label = '';
    const line = parameterLine(type, parameters, (name) => resolved.get(`${path}.parameters.${name}`) ?? names[name]);
    return { id, type, title: blockTitle(type, parameters), name: isGenerated(id) ? undefined : id, line, path, parameters, branches, source };
  });
  return finish('EXPORT', text(document['start']), blocks, metadata['name'], document['type'] ?? metadata['type']);
}

const failed = (error: string, to: string): Branch => ({ label: errorLabel(error), kind: 'error', isFailure: isFailure(error), to });

/** The conditions are running sums of a draw from 1 to 100; the designer shows shares. */
function shares(branches: Branch[]): void {
  let before = 1;
  for (const branch of branches) {
    const sum = branch.kind === 'condition' ? /^< (\d+)$/.exec(branch.label)?.[1] : undefined;
    if (sum === undefined) continue;
    branch.label = `${Number(sum) - before} %`;
    before = Number(sum);
  }
}

/** What the designer keeps beside the ids of resources. */
function resourceNames(known: Members): Record<string, string> {
  const names: Record<string, string> = {};
  const put = (parameter: string, value: unknown): void => {
    if (typeof value === 'string' && value) names[parameter] ??= value;
  };
  const texts: [string, string][] = [
    ['queue', 'QueueId'], ['agent', 'AgentId'], ['contactFlow', 'ContactFlowId'], ['hours', 'HoursOfOperationId'], ['hoursOfOperation', 'HoursOfOperationId'],
    ['flowModule', 'FlowModuleId'], ['contactFlowModule', 'FlowModuleId'], ['prompt', 'PromptId'],
  ];
  for (const [key, parameter] of texts) put(parameter, members(known[key])['text'] ?? members(known[key])['name']);
  const plain: [string, string][] = [
    ['promptName', 'PromptId'], ['queueName', 'QueueId'], ['contactFlowName', 'ContactFlowId'], ['contactFlowModuleName', 'FlowModuleId'], ['hoursOfOperationName', 'HoursOfOperationId'],
  ];
  for (const [key, parameter] of plain) put(parameter, known[key]);
  for (const [parameter, value] of Object.entries(members(known['parameters']))) put(parameter, members(value)['displayName']);
  return names;
}

function finish(language: FlowModel['language'], start: string, blocks: Block[], name: unknown, type: unknown): FlowModel {
  const byId = new Map<string, Block>();
  for (const block of blocks) if (!byId.has(block.id)) byId.set(block.id, block);
  return { language, start, blocks, byId, name: text(name) || undefined, type: text(type) || undefined };
}

/** What a block is called: the author's name for it, else that of Amazon's designer. */
export const headingOf = (block: Block): string => block.name ?? block.title;

/** The blocks in reading order: from the start along the branches, those that are not reached at the end. */
export function readingOrder(flow: FlowModel): { order: Block[]; unreached: ReadonlySet<string> } {
  const order: Block[] = [];
  const seen = new Set<string>();
  const open = [flow.start];
  while (open.length > 0) {
    const id = open.pop() ?? '';
    const block = flow.byId.get(id);
    if (!block || seen.has(id)) continue;
    seen.add(id);
    order.push(block);
    // The first branch is read first, failures last.
    const next = [...block.branches.filter((branch) => !branch.isFailure), ...block.branches.filter((branch) => branch.isFailure)];
    for (const branch of next.reverse()) open.push(branch.to);
  }
  const rest = [...flow.byId.values()].filter((block) => !seen.has(block.id));
  return { order: [...order, ...rest], unreached: new Set(rest.map((block) => block.id)) };
}

/** All branches between two blocks, drawn as one line. */
export interface Edge {
  /** ENTRY for the line to the start. */
  from: string;
  to: string;
  label: string;
  branches: Branch[];
  /** All of its branches are failures. */
  isFailure: boolean;
  /** The flow has no such block. */
  isBroken: boolean;
}

/** No block has it: a control character may not stand in an identifier. */
export const ENTRY = '\u0000entry';

export function edgesOf(flow: FlowModel): Edge[] {
  const edges: Edge[] = [{ from: ENTRY, to: flow.start, label: '', branches: [], isFailure: false, isBroken: !flow.byId.has(flow.start) }];
  for (const block of flow.byId.values()) {
    const byTarget = new Map<string, Branch[]>();
    for (const branch of block.branches) byTarget.set(branch.to, [...(byTarget.get(branch.to) ?? []), branch]);
    for (const [to, branches] of byTarget) {
      edges.push({
        from: block.id, to, branches,
        label: labelOf(branches),
        isFailure: branches.every((branch) => branch.isFailure),
        isBroken: !flow.byId.has(to),
      });
    }
  }
  return edges;
}

const SHOWN = 4;

/** The labels of a line: `1, 2, Timeout`. */
function labelOf(branches: readonly Branch[]): string {
  // What goes on as it should needs no word.
  if (branches.every((branch) => branch.kind === 'next')) return '';
  const labels = [...new Set(branches.map((branch) => branch.label).filter(Boolean))];
  return labels.length > SHOWN ? `${labels.slice(0, SHOWN).join(', ')}, ${labels.length - SHOWN} more` : labels.join(', ');
}
