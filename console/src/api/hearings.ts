/** Who heard a contact: lines of the audit file that name it. */
import { call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export interface AuditLine {
  Time: string;
  Kind: string;
  Action: string;
  User: string;
  AccessKeyId: string;
  SessionOf?: string | null;
  Resource?: string | null;
  SourceAddress?: string | null;
  Outcome: string;
  Reason?: string | null;
  RequestId?: string | null;
}

export interface AuditPage {
  Lines: AuditLine[];
  /** Whether all of the file was looked at. */
  Complete: boolean;
  NextToken?: string;
}

export const auditOf = (contactId: string, query: { action?: string; maxResults?: number; nextToken?: string } = {}, options: Signal = {}): Promise<AuditPage> =>
  call('tympan', '/tympan/audit', { ...options, query: { contactId, ...query } });

/** Operations by which a person or a program gets sound, and how that is called. */
export const HEARD: Record<string, string> = {
  'tympan:ListenContact': 'Listened live',
  'tympan:GetAudio': 'Played or saved',
};

/** The newest hearings of a contact. */
export async function hearingsOf(contactId: string, options: Signal = {}): Promise<AuditPage> {
  const pages = await Promise.all(Object.keys(HEARD).map((action) => auditOf(contactId, { action, maxResults: 200 }, options)));
  const lines = pages.flatMap((page) => page.Lines).sort((a, b) => (a.Time < b.Time ? 1 : -1));
  return { Lines: lines, Complete: pages.every((page) => page.Complete && !page.NextToken) };
}

/** The line of a contact's deletion. */
export const hearingsOfDeletion = async (contactId: string): Promise<AuditLine | undefined> =>
  (await auditOf(contactId, { action: 'tympan:DeleteContact', maxResults: 10 })).Lines[0];
