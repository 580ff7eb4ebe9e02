import { describe, expect, it } from 'vitest';
import type { Decision } from '../api/access';
import { askable, change, holders, inShort, policiesOf, resourceOf } from './access';

const HERE = { region: 'us-west-2', account: '111122223333' };

describe('questions', () => {
  it('complete a short name of a resource', () => {
    expect(resourceOf('stream/calls-1', 'kinesisvideo:GetMedia', HERE)).toBe('arn:aws:kinesisvideo:us-west-2:111122223333:stream/calls-1/*');
    expect(resourceOf('contact/1', 'tympan:GetWaveform', HERE)).toBe('arn:aws:tympan:us-west-2:111122223333:contact/1');
    expect(resourceOf('role/a', 'sts:AssumeRole', HERE)).toBe('arn:aws:iam::111122223333:role/a');
    expect(['', '*', 'arn:x'].map((text) => resourceOf(text, 'kms:Decrypt', HERE))).toEqual(['*', '*', 'arn:x']);
  });

  it('say what to change', () => {
    const decision: Decision = { AccessKeyId: 'A', User: 'qa', Facts: { SourceAddress: null, SecureTransport: false, Region: '', Time: '' }, Decision: 'EXPLICIT_DENY', Policy: 'office', Statement: 1, Sid: null, Document: {}, Explanation: '' };
    expect(change(decision, 'a:B', ['office'])).toContain('take a:B out of Statement[1] of policy office');
    expect(change({ ...decision, Decision: 'IMPLICIT_DENY', Policy: null, Statement: null }, 'a:B', ['x', 'y'])).toContain('one of the policies x, y');
  });
});

describe('policies', () => {
  const statement = (Action: unknown, more = {}): unknown => ({ Statement: [{ Effect: 'Allow', Action, Resource: '*', ...more }] });

  it('are told in short', () => {
    expect(inShort(statement('*'))).toBe('everything');
    expect(inShort(statement(['kinesisvideo:GetMedia', 'kinesisvideo:List*']))).toBe('read streams');
    expect(inShort(statement('kinesisvideo:PutMedia', { Resource: 'arn:x' }))).toBe('streams, with conditions');
    expect(inShort({ Statement: { Effect: 'Deny', Action: '*', Resource: '*' } })).toBe('nothing by itself');
    expect(inShort(null)).toBe('nothing by itself');
  });

  it('are held by users and roles', () => {
    const key = { AccessKeyId: 'A', User: 'qa', UserARN: '', Account: '1', Policies: ['p'], LastUsed: null, Requests: 0, Refusals: 0 };
    const keys = [key, { ...key, AccessKeyId: 'B', Policies: ['p', 'q'] }];
    expect(policiesOf(keys, 'qa')).toEqual(['p', 'q']);
    expect(askable(keys).map((one) => one.value)).toEqual(['A', 'B']);
    expect(askable([key])).toEqual([{ value: 'qa', name: 'qa' }]);
    expect(holders({ Name: 'p', IsBuiltIn: false, From: '', Document: {} }, keys, [{ Name: 'r', ARN: '', SessionMaxSeconds: 900, Policies: ['p'], AssumedBy: [] }])).toEqual(['qa', 'role r']);
  });
});
