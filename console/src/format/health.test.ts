import { describe, expect, it } from 'vitest';
import type { Setting, Sink } from '../api/health';
import { byTable, callsSentence, daysLeft, diskSentence, findSettings, grouping, sinkSentence, streamsSentence } from './health';

const disk = { FreeBytes: 50e9, TotalBytes: 100e9, UsedBytes: 2e9, BytesPerDay: 1e9, DaysLeft: 43.6 };

describe('room', () => {
  it('is said in sentences', () => {
    expect(diskSentence(disk)).toBe('50.0 GB of 100.0 GB are free: 43 days at this rate, 1.0 GB a day.');
    expect(diskSentence({ ...disk, BytesPerDay: null, DaysLeft: null })).toContain('known after an hour');
    expect(daysLeft({ ...disk, BytesPerDay: 0, DaysLeft: null })).toBe('it does not fill');
    expect(daysLeft({ ...disk, DaysLeft: 0.4 })).toBe('less than a day');
    expect([callsSentence({ Live: 99, Limit: 100 }), callsSentence({ Live: 5, Limit: 5 })].map((one) => one.slice(0, 24))).toEqual(['Room for 1 more call at ', 'No room for another call']);
    expect(streamsSentence({ InUse: 0, Kept: 3, Limit: null })).toContain('any number');
    expect(streamsSentence({ InUse: 7, Kept: 100, Limit: 100 })).toContain('answered without capture');
  });
});

it('says first what is not lost', () => {
  const sink: Sink = { Name: 'billing', Kind: 'RECORDS', Waiting: 14, OldestWaiting: null, LastError: null, State: 'FAILING', Lost: 0 };
  expect(sinkSentence(sink)).toBe('Contact records are waiting, none is lost: 14 wait.');
  expect(sinkSentence({ ...sink, Kind: 'AUDIT', Waiting: 1, Lost: 3 })).toBe('Audit lines can’t be written, 3 were lost since the start: 1 waits.');
});

it('counts the same error in a row', () => {
  const error = { Time: 't', Level: 'ERROR' as const, Target: 'a', Message: 'm' };
  expect(grouping([error, error, { ...error, Message: 'n' }, error]).map((one) => one.count)).toEqual([2, 1, 1]);
});

describe('settings', () => {
  const of = (Key: string, Value: string | null, Source: Setting['Source'] = 'DEFAULT'): Setting => ({ Key, Value, Source, From: null, IsSecret: Value === null });
  const all = [of('sip.listen', '0.0.0.0:5060', 'FILE'), of('sip.calls_max', '100'), of('kms.secret_access_key', null, 'ENVIRONMENT'), of('policies', '[]')];

  it('are found by all words', () => {
    expect(findSettings(all, 'SIP 5060', false).map((one) => one.Key)).toEqual(['sip.listen']);
    expect(findSettings(all, '', true).map((one) => one.Key)).toEqual(['sip.listen', 'kms.secret_access_key']);
    expect(byTable(all).map((one) => one.table)).toEqual(['sip', 'kms', 'policies']);
  });
});
