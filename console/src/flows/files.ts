/** Flows as files hold them: the content alone, or within an answer of DescribeContactFlow. */

export interface FlowFile {
  name: string;
  /** The type in the words of the API; that of a module is MODULE. */
  type: string;
  isModule: boolean;
  content: string;
}

type Members = Record<string, unknown>;
const members = (value: unknown): Members => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {});

/** `customerQueue` is `CUSTOMER_QUEUE`. */
const typeOf = (designed: string): string => designed.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

/** Reads a file. Gives the reason where it is none; a byte order mark is passed over. */
export function readFile(given: string, fileName: string): FlowFile | string {
  const text = given.replace(/^\uFEFF/, '');
  let whole: Members;
  let content = text;
  let inner: Members;
  try {
    whole = members(JSON.parse(text));
  } catch (error) {
    return `The file is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  const answer = 'ContactFlow' in whole || 'ContactFlowModule' in whole ? members(whole['ContactFlow'] ?? whole['ContactFlowModule']) : whole;
  if (typeof answer['Content'] === 'string') content = answer['Content'];
  else if (typeof answer['Content'] === 'object' && answer['Content'] !== null) content = JSON.stringify(answer['Content'], undefined, 2);
  try {
    inner = members(JSON.parse(content));
  } catch {
    return 'The Content in the file is not JSON.';
  }
  if (!Array.isArray(inner['Actions']) && !Array.isArray(inner['modules'])) return 'The file holds no flow: it has neither "Actions" nor "modules".';
  const metadata = members(inner['Metadata'] ?? inner['metadata']);
  const designed = [inner['type'], metadata['type']].find((one): one is string => typeof one === 'string') ?? 'contactFlow';
  const isModule = 'ContactFlowModule' in whole || designed === 'contactFlowModule' || 'Settings' in inner;
  const named = [answer['Name'], metadata['name']].find((one): one is string => typeof one === 'string' && one.trim() !== '');
  const name = named ?? fileName.replace(/(?:\.module)?\.json$/i, '');
  const type = isModule ? 'MODULE' : typeof answer['Type'] === 'string' ? answer['Type'] : typeOf(designed);
  return { name, type, isModule, content };
}

/** The name of a file for a flow: letters, digits and a few signs stay. */
export const fileNameOf = (name: string, isModule: boolean): string =>
  `${name.replace(/[^\p{L}\p{N} ._()-]/gu, '_').replace(/^\.+/, '') || 'flow'}${isModule ? '.module' : ''}.json`;

/** The least content that can be published as a type: it ends at once. */
export function emptyContent(type: string): string {
  const isModule = type === 'MODULE';
  const hangsUp = ['CONTACT_FLOW', 'CUSTOMER_QUEUE', 'AGENT_TRANSFER', 'QUEUE_TRANSFER'].includes(type);
  const action = isModule ? 'EndFlowModuleExecution' : hangsUp ? 'DisconnectParticipant' : 'EndFlowExecution';
  const flow = {
    Version: '2019-10-30',
    StartAction: 'end',
    Metadata: {},
    Actions: [{ Identifier: 'end', Type: action, Parameters: {}, Transitions: {} }],
    ...(isModule && { Settings: { InputParameters: [], OutputParameters: [], Transitions: [] } }),
  };
  return `${JSON.stringify(flow, undefined, 2)}\n`;
}
