import { describe, expect, it } from 'vitest';
import { delay, readFrame } from '../state/frames';
import { operationAddress, refusal } from './request';

const headers = (values: Record<string, string> = {}): Headers => new Headers(values);

describe('operations', () => {
  it('stand under the signing name of their service', () => {
    expect(operationAddress('tympan', '/tympan/contacts', { maxResults: 50, nextToken: undefined })).toBe('/api/tympan/tympan/contacts?maxResults=50');
    expect(operationAddress('connect', '/instance')).toBe('/api/connect/instance');
  });
});

describe('refusals', () => {
  it('have a name in each spelling of the services', () => {
    const rest = refusal(403, headers({ 'x-amzn-errortype': 'AccessDeniedException:', 'x-amzn-requestid': 'r1' }), { Message: 'no' });
    expect([rest.code, rest.message, rest.requestId, rest.isDenied]).toEqual(['AccessDeniedException', 'no', 'r1', true]);
    const json = refusal(400, headers(), { __type: 'com.amazonaws#NotFoundException', message: 'none' });
    expect([json.code, json.message, json.isDenied]).toEqual(['NotFoundException', 'none', false]);
    expect(refusal(502, headers(), 'text').message).toBe('The server answered 502.');
    expect(refusal(404, headers(), {}).isMissing).toBe(true);
  });
});

describe('the live feed', () => {
  it('reads frames, and passes over what is none', () => {
    expect(readFrame('{"Type":"Begin","Revision":"1099511627818"}')).toEqual({ Type: 'Begin', Revision: '1099511627818' });
    for (const text of ['', '[]', 'null', '{"Type":"Event"}', '{"Type":"Event","Revision":7}']) expect(readFrame(text)).toBeUndefined();
  });

  it('waits longer after each failure, up to half a minute', () => {
    expect([0, 1, 2, 5, 50].map(delay)).toEqual([1_000, 2_000, 4_000, 30_000, 30_000]);
  });
});
