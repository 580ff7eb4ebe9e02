/** Who heard a contact: lines of the audit file that name it. */
import { call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export interface AuditLine {
  Time: string;
  Kind: string;
  Action?: string;
  Principal?: string;
  User?: string;
  AccessKeyId?: string;
  SessionOf?: string;
  SourceAddress?: string;
  Outcome?: string;
  RequestId?: string;
  Bytes?: number;
  TookMilliseconds?: number;
}

export interface AuditPage {
  Lines: AuditLine[];
  /** Whether the server writes an audit file. */
  IsWritten: boolean;
  /** Whether this is the last page, and every file that is kept could be read. */
  Complete: boolean;
  NextToken?: string;
}

const auditOf = (contactId: string, query: { action?: string; kind?: string; outcome?: string; nextToken?: string }, options: Signal = {}): Promise<AuditPage> =>
  call('tympan', '/tympan/audit', { ...options, query: { contactId, maxResults: 500, ...query } });

/** How sound of a contact was got, by operation; any other read its stream. */
export const HEARD: Record<string, string> = {
  'tympan:ListenContact': 'Listened live',
  'tympan:GetAudio': 'Played or saved',
};

const MOST_PAGES = 5;

/** All lines of a question, as far as some pages lead. */
async function pages(contactId: string, query: { action?: string; kind?: string; outcome?: string }, options: Signal): Promise<AuditPage> {
  const found: AuditLine[] = [];
  let nextToken: string | undefined;
  for (let count = 0; ; count++) {
    const page = await auditOf(contactId, { ...query, ...(nextToken && { nextToken }) }, options);
    found.push(...page.Lines);
    nextToken = page.NextToken;
    if (!nextToken || count + 1 >= MOST_PAGES) return { Lines: found, IsWritten: page.IsWritten, Complete: page.Complete && !nextToken };
  }
}

/** The hearings of a contact, newest first; one that has ended has how long it took. */
export async function hearingsOf(contactId: string, options: Signal = {}): Promise<AuditPage> {
  const found = await Promise.all(['listening', 'media-read', 'listening-end'].map((kind) => pages(contactId, { kind, outcome: 'SUCCEEDED' }, options)));
  const lines = found.flatMap((page) => page.Lines);
  const ends = new Map(lines.flatMap((line) => (line.Kind === 'listening-end' && line.RequestId ? [[line.RequestId, line] as const] : [])));
  return {
    Lines: lines
      .filter((line) => line.Kind !== 'listening-end')
      .map((line) => {
        const took = ends.get(line.RequestId ?? '')?.TookMilliseconds;
        return took === undefined ? line : { ...line, TookMilliseconds: took };
      })
      .sort((a, b) => (a.Time < b.Time ? 1 : -1)),
    IsWritten: found.every((page) => page.IsWritten),
    Complete: found.every((page) => page.Complete),
  };
}

/** The line of a contact's deletion. */
export const deletionOf = async (contactId: string): Promise<AuditLine | undefined> =>
  (await pages(contactId, { action: 'tympan:DeleteContact', outcome: 'SUCCEEDED' }, {})).Lines[0];
