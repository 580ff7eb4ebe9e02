import { describe, expect, it } from 'vitest';
import { auditCsv, auditQuery, hiddenAuditPart, openAuditPart, readAuditFilters, resourceLink } from './audit';

describe('filters of the audit file', () => {
  it('stand in the address, a resource behind #', () => {
    const filters = readAuditFilters('user=qa&kind=denial&resource=x&other=1', 'resource=stream/a');
    expect(filters).toEqual({ user: 'qa', kind: 'denial', resource: 'stream/a' });
    expect([openAuditPart(filters), hiddenAuditPart(filters)]).toEqual(['user=qa&kind=denial', 'resource=stream%2Fa']);
  });

  it('become what the operation takes', () => {
    const now = Date.parse('2026-11-29T12:00:00Z');
    expect(auditQuery({ range: '1h', contact: 'c', outcome: 'DENIED' }, now, 'UTC')).toEqual({ from: '2026-11-29T11:00:00.000Z', contactId: 'c', outcome: 'DENIED' });
    expect(auditQuery({ to: '2026-11-29T06:00', tz: 'UTC' }, now, 'UTC')).toEqual({ to: '2026-11-29T06:00:00.000Z' });
  });
});

describe('resources', () => {
  const arn = (rest: string): string => `arn:aws:${rest}`;
  it('have a page where there is one', () => {
    expect(resourceLink(arn('tympan:us-west-2:1:contact/abc'))).toEqual({ name: 'contact/abc', href: '/contacts/abc' });
    expect(resourceLink(arn('connect:us-west-2:1:instance/i/contact/abc')).href).toBe('/contacts/abc');
    expect(resourceLink(arn('kinesisvideo:us-west-2:1:stream/calls-1/159'))).toEqual({ name: 'stream/calls-1', href: '/streams/calls-1' });
    expect(resourceLink(arn('kms:us-west-2:1:key/k')).href).toBe('/keys?key=k');
    expect(resourceLink('*')).toEqual({ name: '*' });
    expect(resourceLink(undefined)).toEqual({ name: 'none' });
  });
});

it('writes a line a row', () => {
  const text = auditCsv([{ Time: 't', Kind: 'denial', Action: 'a:B', Resource: '=x' }]);
  expect(text.split('\r\n')[1]).toBe("t,denial,a:B,,,,'=x,,,,,,,,,,");
});
