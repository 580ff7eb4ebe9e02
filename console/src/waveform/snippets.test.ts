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

  it('is a program in Rust', () => {
    const code = snippet('Rust', reading);
    expect(code).toContain(`.after_fragment_number("${reading.after}")`);
    expect(code).toContain('StartSelectorType::FragmentNumber');
    expect(snippet('Rust', { ...reading, begin: 'place' })).toContain('.start_timestamp(DateTime::from_millis(1796020790447))');
    expect(snippet('Rust', { ...reading, begin: 'live' })).not.toContain('after_fragment_number');
  });

  it('has the arguments of LMSDemo, which begins after a number only', () => {
    const named = { ...reading, streamArn: 'arn:aws:kinesisvideo:us-west-2:111122223333:stream/calls-1/1796020790447' };
    expect(snippet('LMSDemo', named)).toContain(`new LMSExample(Regions.US_WEST_2,\n        "calls-1",\n        "${reading.after}",`);
    expect(snippet('LMSDemo', { ...named, begin: 'place', afterPlace: '913' })).toContain('"913",');
    expect(snippet('LMSDemo', { ...named, begin: 'place' })).toContain('is not known');
  });
});
