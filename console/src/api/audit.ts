/** The lines of the audit file: docs/access.md, "The audit file". */
import { call, type Options } from './request';

export type Outcome = 'SUCCEEDED' | 'DENIED' | 'FAILED';

export interface AuditLine {
  Time: string;
  Kind: string;
  Principal?: string;
  User?: string;
  AccessKeyId?: string;
  SessionOf?: string;
  SourceAddress?: string;
  Action?: string;
  Resource?: string;
  Outcome?: Outcome;
  Status?: number;
  Reason?: string;
  RequestId?: string;
  Bytes?: number;
  TookMilliseconds?: number;
  /** What a listener was sent, of all tracks, and the holes in it. */
  Samples?: number;
  Holes?: number;
  /** Lines that were left out or lost. */
  Count?: number;
}

export interface AuditQuery {
  from?: string;
  to?: string;
  user?: string;
  action?: string;
  resource?: string;
  kind?: string;
  outcome?: string;
  contactId?: string;
  maxResults?: number;
  nextToken?: string;
}

export interface AuditPage {
  /** Newest first. */
  Lines: AuditLine[];
  /** Whether the server writes an audit file. */
  IsWritten: boolean;
  /** The last page, and every file that is kept could be read. */
  Complete: boolean;
  NextToken?: string;
}

export const listAuditLines = (query: AuditQuery, options: Pick<Options, 'signal'> = {}): Promise<AuditPage> =>
  call('tympan', '/tympan/audit', { ...options, query: { ...query } });
