/** Flows and flow modules of an instance, the numbers that lead to them, and what tympan knows of them. */
import { ApiError, call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export interface FlowSummary {
  Id: string;
  Arn: string;
  Name: string;
  /** MODULE for a module. */
  Type: string;
  State: 'ACTIVE' | 'ARCHIVED';
  Status: 'PUBLISHED' | 'SAVED';
}

export interface FlowDescription {
  Id: string;
  Arn: string;
  Name: string;
  Type: string;
  State: 'ACTIVE' | 'ARCHIVED';
  Status: 'PUBLISHED' | 'SAVED';
  Description?: string;
  Content: string;
  /** Of a module: what it takes and gives. */
  Settings?: string;
  /** Of the content that is shown. */
  FlowContentSha256?: string;
  FlowModuleContentSha256?: string;
  /** Seconds since 1970; modules have none. */
  LastModifiedTime?: number;
}

/** A content that never changes. */
export interface FlowVersion {
  Version: number;
  VersionDescription?: string;
  /** Seconds since 1970; versions of modules have none. */
  LastModifiedTime?: number;
}

export interface FlowNumber {
  id: string;
  number: string;
  flow: string;
}

export interface FlowProblem {
  Severity: 'ERROR' | 'WARNING';
  Path: string | null;
  Line: number | null;
  Column: number | null;
  Action: string | null;
  Message: string;
}

export interface FlowReference {
  Path: string;
  Named: string;
  /** The name that the flow has beside it. */
  NamedAs?: string | null;
  Kind: string;
  How: 'ID' | 'NAME' | 'DEFAULT' | 'MISSING';
  To: string | null;
  Name: string | null;
}

export interface FlowCheck {
  Problems: FlowProblem[];
  Resolved: FlowReference[];
  Name?: string | null;
  Language?: 'FLOW' | 'EXPORT' | null;
}

export interface FlowActivityBlock {
  Identifier: string;
  Type: string;
  Executions: number;
  Errors: number;
  DurationMilliseconds: { P50: number; P99: number; Max: number } | null;
  LastErrors: { Time: string; ContactId: string; Error: string }[];
}

export interface FlowActivity {
  Since: string;
  Runs: number;
  Complete: boolean;
  Blocks: FlowActivityBlock[];
  Transitions: { From: string; To: string; Count: number }[];
}

const SAVED = '%3A%24SAVED';
const place = (isModule: boolean): string => (isModule ? 'contact-flow-modules' : 'contact-flows');
const one = (isModule: boolean, instance: string, id: string): string => `/${place(isModule)}/${instance}/${encodeURIComponent(id)}`;

async function all<T>(path: string, member: string, query: Record<string, string>, options: Signal): Promise<T[]> {
  const found: T[] = [];
  let nextToken: string | undefined;
  do {
    const page = await call<Record<string, unknown>>('connect', path, { ...options, query: { ...query, nextToken } });
    found.push(...((page[member] as T[] | undefined) ?? []));
    nextToken = (page['NextToken'] as string | null | undefined) ?? undefined;
  } while (nextToken && found.length < 5_000);
  return found;
}

/** Flows of every type, and modules. */
export async function listFlowsAndModules(instance: string, options: Signal = {}): Promise<FlowSummary[]> {
  interface Listed {
    Id: string;
    Arn: string;
    Name: string;
    ContactFlowType: string;
    ContactFlowState: FlowSummary['State'];
    ContactFlowStatus: FlowSummary['Status'];
  }
  const [flows, modules] = await Promise.all([
    all<Listed>(`/contact-flows-summary/${instance}`, 'ContactFlowSummaryList', {}, options),
    all<Pick<FlowSummary, 'Id' | 'Arn' | 'Name' | 'State'>>(`/contact-flow-modules-summary/${instance}`, 'ContactFlowModulesSummaryList', {}, options),
  ]);
  return [
    ...flows.map(({ Id, Arn, Name, ContactFlowType, ContactFlowState, ContactFlowStatus }) => ({ Id, Arn, Name, Type: ContactFlowType, State: ContactFlowState, Status: ContactFlowStatus })),
    ...modules.map(({ Id, Arn, Name, State }) => ({ Id, Arn, Name, State, Type: 'MODULE', Status: 'PUBLISHED' as const })),
  ];
}

async function described(isModule: boolean, path: string, options: Signal): Promise<FlowDescription> {
  const answer = await call<{ ContactFlow?: FlowDescription; ContactFlowModule?: FlowDescription }>('connect', path, options);
  const found = answer.ContactFlow ?? answer.ContactFlowModule;
  if (!found) throw new Error('The answer has no flow.');
  return { ...found, Type: isModule ? 'MODULE' : found.Type };
}

/** A flow or module with one of its contents. Without a saved one, `isSaved` gives what is published. */
export const describeFlow = (isModule: boolean, instance: string, id: string, isSaved: boolean, options: Signal = {}): Promise<FlowDescription> =>
  described(isModule, one(isModule, instance, id) + (isSaved ? SAVED : ''), options);

/** The flow or module with the content of a version. */
export const describeVersion = (isModule: boolean, instance: string, id: string, version: number, options: Signal = {}): Promise<FlowDescription> =>
  described(isModule, `${one(isModule, instance, id)}%3A${version}`, options);

/** The newest first. */
export const listVersions = async (isModule: boolean, instance: string, id: string): Promise<FlowVersion[]> =>
  (await all<FlowVersion>(`${one(isModule, instance, id)}/versions`, `ContactFlow${isModule ? 'Module' : ''}VersionSummaryList`, {}, {})).sort((a, b) => b.Version - a.Version);

/** Keeps what is published as a version; with a hash, only where it is still that content. */
export const createVersion = (isModule: boolean, instance: string, id: string, description: string, sha256: string | undefined): Promise<{ Version: number }> =>
  call('connect', `${one(isModule, instance, id)}/version`, {
    method: 'PUT', body: { ...(description && { Description: description }), ...(sha256 && { [isModule ? 'FlowModuleContentSha256' : 'FlowContentSha256']: sha256 }) },
  });

export const deleteVersion = (isModule: boolean, instance: string, id: string, version: number): Promise<unknown> =>
  call('connect', `${one(isModule, instance, id)}/version/${version}`, { method: 'DELETE' });

/** Changes what is given of name, description and state. */
export const updateMetadata = (isModule: boolean, instance: string, id: string, { Name, Description, State }: Partial<Pick<FlowDescription, 'Name' | 'Description' | 'State'>>): Promise<unknown> =>
  call('connect', `${one(isModule, instance, id)}/metadata`, { method: 'POST', body: { Name, Description, [isModule ? 'State' : 'ContactFlowState']: State } });

export const deleteFlow = (isModule: boolean, instance: string, id: string): Promise<unknown> => call('connect', one(isModule, instance, id), { method: 'DELETE' });

/** Flows of every type and modules, with what calls run of each; of one that was never published, what is saved. */
export async function contents(instance: string): Promise<FlowDescription[]> {
  const search = async (isModule: boolean): Promise<FlowDescription[]> => {
    const [found, kind]: [FlowDescription[], string] = [[], isModule ? 'contact-flow-modules' : 'contact-flows'];
    let NextToken: string | undefined;
    do {
      const page = await call<Record<string, unknown>>('connect', `/search-${kind}`, { method: 'POST', body: { InstanceId: instance, MaxResults: 100, NextToken } });
      found.push(...((page[isModule ? 'ContactFlowModules' : 'ContactFlows'] as FlowDescription[] | undefined) ?? []));
      NextToken = (page['NextToken'] as string | null | undefined) ?? undefined;
    } while (NextToken && found.length < 5_000);
    return found.map((flow) => ({ ...flow, Type: isModule ? 'MODULE' : flow.Type }));
  };
  return (await Promise.all([search(false), search(true)])).flat();
}

export const createFlow = (instance: string, flow: { Name: string; Type: string; Content: string; Status: 'PUBLISHED' | 'SAVED' }): Promise<{ ContactFlowId: string }> =>
  call('connect', `/contact-flows/${instance}`, { method: 'PUT', body: flow });

/** A module is published as it is created: it has no draft before. */
export const createModule = (instance: string, module: { Name: string; Content: string; Settings?: string }): Promise<{ Id: string }> =>
  call('connect', `/contact-flow-modules/${instance}`, { method: 'PUT', body: module });

/** Publishes a content, or saves it beside what is published. */
export const updateContent = (isModule: boolean, instance: string, id: string, content: string, isPublished: boolean): Promise<unknown> =>
  call('connect', `${one(isModule, instance, id)}${isPublished ? '' : SAVED}/content`, { method: 'POST', body: { Content: content } });

/** The numbers that lead to flows. */
export async function flowNumbers(instance: string, options: Signal = {}): Promise<FlowNumber[]> {
  const [associations, numbers] = await Promise.all([
    all<{ ResourceId: string; FlowId: string }>(`/flow-associations-summary/${instance}`, 'FlowAssociationSummaryList', { ResourceType: 'VOICE_PHONE_NUMBER' }, options),
    all<{ Id: string; Arn: string; PhoneNumber: string }>(`/phone-numbers-summary/${instance}`, 'PhoneNumberSummaryList', {}, options),
  ]);
  const last = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
  const byId = new Map(numbers.map((number) => [number.Id, number.PhoneNumber]));
  return associations.flatMap(({ ResourceId, FlowId }) => {
    const number = byId.get(last(ResourceId));
    return number === undefined ? [] : [{ id: last(ResourceId), number, flow: last(FlowId) }];
  });
}

export const checkFlow = (instance: string, type: string, content: string, options: Signal = {}): Promise<FlowCheck> =>
  call('tympan', '/tympan/flows/check', { ...options, method: 'POST', body: { InstanceId: instance, Type: type, Content: content } });

export const flowActivity = (instance: string, id: string, since: string, options: Signal = {}): Promise<FlowActivity> =>
  call('tympan', `/tympan/flows/${encodeURIComponent(id)}/activity`, { ...options, query: { instanceId: instance, since } });

/** What the policies say of an action of a user; the explanation where they do not allow it. */
export async function deniedWhy(user: string, action: string, resource: string): Promise<string | undefined> {
  const answer = await call<{ Decision: string; Explanation?: string }>('tympan', '/tympan/policies/simulate', {
    method: 'POST', body: { User: user, Action: action, Resource: resource },
  });
  return answer.Decision === 'ALLOWED' ? undefined : (answer.Explanation ?? `Your policies do not allow ${action}.`);
}

/** An operation that this server is too old for. */
export const isNotOffered = (error: unknown): boolean => error instanceof ApiError && (error.code.startsWith('UnknownOperation') || (error.status === 404 && error.code === ''));

/** The problems of InvalidContactFlowException and of its like for modules. */
export function refusedProblems(error: unknown): string[] {
  if (!(error instanceof ApiError)) return [];
  const listed = error.body['problems'] ?? error.body['Problems'];
  if (!Array.isArray(listed)) return [];
  return listed.map((problem: unknown) => (problem as { message?: unknown; Message?: unknown }).message ?? (problem as { Message?: unknown }).Message).filter((text): text is string => typeof text === 'string');
}
