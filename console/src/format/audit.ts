import type { AuditLine, AuditQuery } from '../api/audit';
import { csv } from '../export/csv';
import { parameters } from '../routing/routes';
import { rangeOf } from './range';

/** Kinds of lines, as docs/access.md has them, with words. */
export const KINDS: Record<string, string> = {
  'media-read': 'Media read',
  'media-read-end': 'Read ended',
  'attributes-read': 'Attributes shown',
  'media-write': 'Media written',
  'key-use': 'Key used',
  listening: 'Listening',
  'listening-end': 'Listening ended',
  administration: 'Change',
  denial: 'Denial',
  'refusals-left-out': 'Left out',
  lost: 'Lost',
};

export const OUTCOMES = { SUCCEEDED: 'done', DENIED: 'denied', FAILED: 'failed' } as const;

/** The conditions as the address holds them. A resource is free text: it stands behind `#`. */
export interface AuditFilters {
  range?: string;
  from?: string;
  to?: string;
  tz?: string;
  user?: string;
  action?: string;
  kind?: string;
  outcome?: string;
  contact?: string;
  resource?: string;
}

const OPEN = ['range', 'from', 'to', 'tz', 'user', 'action', 'kind', 'outcome', 'contact'] as const;

export function readAuditFilters(query: string, fragment: string): AuditFilters {
  const open = new URLSearchParams(query);
  const filters: AuditFilters = {};
  for (const name of OPEN) {
    const value = open.get(name);
    if (value) filters[name] = value;
  }
  const resource = new URLSearchParams(fragment).get('resource');
  if (resource) filters.resource = resource;
  return filters;
}

export const openAuditPart = ({ resource: _, ...open }: AuditFilters): string => parameters(Object.fromEntries(OPEN.map((name) => [name, open[name]])));
export const hiddenAuditPart = ({ resource }: AuditFilters): string => parameters({ resource });

/** What the operation is asked for. */
export function auditQuery(filters: AuditFilters, now: number, zone: string): AuditQuery {
  const { user, action, kind, outcome, contact, resource } = filters;
  const range = rangeOf(filters, now, zone);
  return {
    ...(range && range.from > 0 && { from: new Date(range.from).toISOString() }),
    ...(range?.to !== undefined && { to: new Date(range.to).toISOString() }),
    ...(user && { user }),
    ...(action && { action }),
    ...(kind && { kind }),
    ...(outcome && { outcome }),
    ...(contact && { contactId: contact }),
    ...(resource && { resource }),
  };
}

/** Where a resource has a page, and what it is called. */
export function resourceLink(resource: string | undefined): { name: string; href?: string } {
  if (!resource) return { name: 'none' };
  const found = /^arn:[^:]*:([^:]*):[^:]*:[^:]*:(.+)$/.exec(resource);
  if (!found) return { name: resource };
  const [, service, name = ''] = found;
  const parts = name.split('/');
  const contactAt = parts.indexOf('contact');
  const contact = parts[contactAt + 1];
  if (contactAt >= 0 && contact && contact !== '*') return { name: `contact/${contact}`, href: `/contacts/${encodeURIComponent(contact)}` };
  if (service === 'kinesisvideo' && parts[0] === 'stream' && parts[1]) return { name: `stream/${parts[1]}`, href: `/streams/${encodeURIComponent(parts[1])}` };
  if (service === 'kms' && parts[0] === 'key' && parts[1]) return { name, href: `/keys?${parameters({ key: parts[1] })}` };
  return { name };
}

const COLUMNS = ['Time', 'Kind', 'Action', 'User', 'AccessKeyId', 'SessionOf', 'Resource', 'SourceAddress', 'Outcome', 'Status', 'Reason', 'RequestId', 'Bytes', 'TookMilliseconds', 'Samples', 'Holes', 'Count'] as const;

export const auditCsv = (lines: readonly AuditLine[]): string => csv(lines, COLUMNS.map((name) => [name, (line: AuditLine) => line[name]] as const));
