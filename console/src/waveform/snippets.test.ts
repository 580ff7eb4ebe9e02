import { describe, expect, it } from 'vitest';
import { snippet, type Reading } from './snippets';

const reading: Reading = { streamArn: "arn:aws:kinesisvideo:r:1:stream/it's/1", after: '91343852333181432392682062684024869705395794140', placeAt: 1_796_020_790_447, begin: 'start' };

describe('read this in code', () => {
  it('begins after the number before the first sample', () => {
    expect(snippet('aws cli', reading)).toContain(`AfterFragmentNumber=${reading.after} caller.mkv`);
    expect(snippet('boto3', reading)).toContain(`"AfterFragmentNumber": "${reading.after}"`);
  });

  it('begins at a time, and now', () => {
    expect(snippet('aws cli', { ...reading, begin: 'place' })).toContain('StartTimestamp=1796020790.447');
    expect(snippet('boto3', { ...reading, begin: 'live' })).toContain('StartSelector={"StartSelectorType": "NOW"}');
  });

  it('says where the capture ends: the stream goes on with another call', () => {
    expect(snippet('boto3', { ...reading, stop: '914' })).toContain('# The capture ends with fragment 914;');
    expect(snippet('aws cli', reading)).not.toContain('The capture ends');
  });

  it('quotes what a shell would read', () => {
    expect(snippet('aws cli', reading)).toContain("arn='arn:aws:kinesisvideo:r:1:stream/it'\\''s/1'");
  });
});
