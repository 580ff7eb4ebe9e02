/** The service `tympan`: docs/admin.md. */
import { call, type Options } from './request';
import type { Answer } from '../waveform/grow';

export interface Endpoint {
  Address: string;
  Type: string;
}

export interface LedgerSpan {
  At: number;
  Samples: number;
  Cause: string;
}

export interface Ledger {
  Samples: number;
  ReceivedSamples: number;
  Causes: Record<string, { Count: number; Samples: number }>;
  Spans: LedgerSpan[];
  SpansForgotten: number;
}

export interface Recording {
  FragmentStartNumber: string;
  FragmentStopNumber: string | null;
  Location: string;
  StartTimestamp: string;
  StopTimestamp: string | null;
  StorageType: string;
  Status: string | null;
  DeletionReason: string | null;
  /** In DescribeContact only; null while the capture goes on. */
  Ledger?: Ledger | null;
}

export interface AgentPart {
  ARN: string;
  Username: string;
  ConnectedToAgentTimestamp: string | null;
  AfterContactWorkStartTimestamp?: string | null;
  NumberOfHolds: number;
  CustomerHoldDuration?: number;
  /** In DescribeContact only. */
  Holds?: { From: string; To: string | null }[];
}

export interface QueuePart {
  ARN: string;
  Name: string | null;
  EnqueueTimestamp: string;
  DequeueTimestamp: string | null;
  Duration?: number;
}

/** A contact record, as Connect delivers it; where it has attributes by their names alone, their values are null. */
export interface ContactRecord<Value = string> {
  ContactId: string;
  InstanceARN: string;
  InitiationMethod: string;
  InitiationTimestamp: string;
  ConnectedToSystemTimestamp: string | null;
  DisconnectTimestamp: string | null;
  DisconnectReason: string | null;
  CustomerEndpoint: Endpoint | null;
  SystemEndpoint: Endpoint | null;
  Attributes: Record<string, Value>;
  Agent: AgentPart | null;
  Queue: QueuePart | null;
  Recordings: Recording[] | null;
  PreviousContactId: string | null;
  NextContactId: string | null;
  InitialContactId: string | null;
  /** Of the flow that it began in: in lists. */
  ContactFlowId?: string | null;
  ContactFlowName?: string | null;
}

/** A contact of an event. */
export interface ContactSummary {
  ContactId: string;
  InstanceId: string;
  State: 'LIVE' | 'ENDED';
  InitiationTimestamp: string;
  ConnectedToSystemTimestamp: string | null;
  DisconnectTimestamp: string | null;
  DisconnectReason: string | null;
  CustomerNumber: string | null;
  SystemNumber: string | null;
  ContactFlowId: string | null;
  Queue: QueuePart | null;
  Agent: (AgentPart & { IsOnHold: boolean }) | null;
  Captures: { StreamARN: string; StartFragmentNumber: string; StopFragmentNumber: string | null }[];
}

export interface Search {
  TimeRange?: { Axis?: 'INITIATION' | 'CONNECTED_TO_SYSTEM' | 'DISCONNECT'; From?: string; To?: string };
  NumberPart?: string;
  Attribute?: { Name: string; Value: string };
  InstanceId?: string;
  ContactFlowId?: string;
  Queue?: string;
  Agent?: string;
  State?: 'LIVE' | 'ENDED';
  HasStream?: boolean;
  HasLosses?: boolean;
  Order?: 'NEWEST_FIRST' | 'OLDEST_FIRST';
  MaxResults?: number;
  NextToken?: string;
}

export interface ContactPage {
  Contacts: ContactRecord[];
  Unreadable?: number;
  NextToken?: string;
}

/** A line of `flow-logs.jsonl`, written when its block was done. */
export interface FlowLogLine {
  Timestamp: string;
  ContactFlowId: string;
  ContactFlowName: string;
  ContactFlowModuleType: string;
  Identifier: string;
  Results?: string;
  Parameters?: Record<string, unknown>;
}

export interface Reader {
  ReaderId: string;
  StreamARN: string;
  StreamName: string;
  AccessKeyId: string;
  Since: string;
  LastFragmentNumber: string | null;
  LastSentTimestamp: string | null;
  SentBytes: number;
  HeadFragmentNumber: string | null;
  LagMilliseconds: number | null;
}

/** What a producer was told by PutMedia. */
export interface Acknowledgement {
  Sequence: number;
  Session: number;
  Time: string;
  EventType: 'BUFFERING' | 'RECEIVED' | 'PERSISTED' | 'IDLE' | 'ERROR';
  FragmentTimecode?: number;
  FragmentNumber?: string;
  ErrorCode?: string;
  ErrorId?: number;
}

export interface Stream {
  StreamName: string;
  StreamARN: string;
  Status: 'ACTIVE' | 'DELETING';
  CreationTimestamp: string;
  RetentionHours: number;
  KmsKeyId: string;
  Fragments: number;
  Bytes: number;
  OldestTimestamp: string | null;
  AgeMilliseconds: number | null;
  HeadFragmentNumber: string | null;
  HeadTimestamp: string | null;
  Readers: Reader[];
}

type Signal = Pick<Options, 'signal'>;
const contact = (id: string): string => `/tympan/contacts/${encodeURIComponent(id)}`;

export const searchContacts = (search: Search, options: Signal = {}): Promise<ContactPage> =>
  call('tympan', '/tympan/contacts/search', { ...options, method: 'POST', body: search });

/** Contacts that began in a stretch of time. */
export interface Interval {
  From: string;
  To: string;
  Contacts: number;
}

/** Counts contacts by their beginning, from an instant until now. */
export const getContactCounts = (from: number, intervalMinutes: number, options: Signal = {}): Promise<{ Intervals: Interval[] }> =>
  call('tympan', '/tympan/contact-counts', { ...options, query: { from: new Date(from).toISOString(), intervalMinutes } });

/** Without the values of attributes: those are GetContactAttributes of Connect. */
export const describeContact = (id: string, options: Signal = {}): Promise<ContactRecord<null>> => call('tympan', contact(id), { ...options, query: { attributes: 'NAMES' } });

/** `from` and `to`, in milliseconds, cut the columns to a part of the axis. */
export const getWaveform = (id: string, columns: number, { from, to, ...options }: Signal & { from?: number; to?: number } = {}): Promise<Answer> =>
  call('tympan', `${contact(id)}/waveform`, { ...options, query: { columns, from, to } });

export interface Erased {
  AudioWaits: boolean;
  /** Files and sinks that have lines or records of it, and keep them. */
  DeliveredTo: string[];
}

/** Erases a contact that has ended, with what was captured of it where `withMedia` is set. */
export const deleteContact = (id: string, withMedia: boolean): Promise<Erased> =>
  call('tympan', contact(id), { method: 'DELETE', query: { media: withMedia ? 'erase' : 'keep' } });

export const getFlowLog = (id: string, options: Signal = {}): Promise<{ Lines: FlowLogLine[]; Complete: boolean }> =>
  call('tympan', `${contact(id)}/flow-log`, options);

export const listStreams = (
  query: { prefix?: string; maxResults?: number; nextToken?: string },
  options: Signal = {},
): Promise<{ Streams: Stream[]; NextToken?: string }> => call('tympan', '/tympan/streams', { ...options, query });

/** Every stream, page by page. */
export async function allStreams(options: Signal = {}): Promise<Stream[]> {
  const streams: Stream[] = [];
  let nextToken: string | undefined;
  do {
    const page = await listStreams({ maxResults: 1000, ...(nextToken && { nextToken }) }, options);
    streams.push(...page.Streams);
    nextToken = page.NextToken;
  } while (nextToken && streams.length < 20_000);
  return streams;
}

export const listReaders = (streamName?: string, options: Signal = {}): Promise<{ Readers: Reader[] }> =>
  call('tympan', '/tympan/readers', { ...options, query: { streamName } });

export const listAcknowledgements = (streamName: string, options: Signal = {}): Promise<{ Acknowledgements: Acknowledgement[] }> =>
  call('tympan', `/tympan/streams/${encodeURIComponent(streamName)}/acknowledgements`, options);
