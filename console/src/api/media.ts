/** Kinesis Video Streams and KMS, as far as the console uses them. */
import { call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export interface Fragment {
  FragmentNumber: string;
  FragmentSizeInBytes: number;
  ProducerTimestamp: number;
  ServerTimestamp: number;
  FragmentLengthInMilliseconds: number;
}

/** Fragments between two times of the server, in seconds. */
export const listFragments = (
  streamName: string,
  range: { from: number; to: number },
  page: { max: number; token?: string },
  options: Signal = {},
): Promise<{ Fragments: Fragment[]; NextToken?: string | null }> =>
  call('kinesisvideo', '/listFragments', {
    ...options,
    method: 'POST',
    body: {
      StreamName: streamName,
      MaxResults: page.max,
      FragmentSelector: {
        FragmentSelectorType: 'SERVER_TIMESTAMP',
        TimestampRange: { StartTimestamp: range.from, EndTimestamp: range.to },
      },
      ...(page.token && { NextToken: page.token }),
    },
  });

/** Names of the keys that may encrypt streams. */
export async function listAliases(options: Signal = {}): Promise<string[]> {
  const answer = await call<{ Aliases?: { AliasName: string }[] }>('kms', '/', {
    ...options,
    method: 'POST',
    body: {},
    headers: { 'x-amz-target': 'TrentService.ListAliases', 'content-type': 'application/x-amz-json-1.1' },
  });
  return (answer.Aliases ?? []).map((alias) => alias.AliasName).sort();
}

/** The name of a stream in its ARN, which ends in the time of its creation. */
export const streamNameOf = (arn: string): string => arn.split('/')[1] ?? arn;
