/** Kinesis Video Streams, as far as the console uses them. */
import { listAliases as listKeyAliases } from './keys';
import { call, operationAddress, refusal, type Options } from './request';

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
export const listAliases = async (options: Signal = {}): Promise<string[]> => (await listKeyAliases(options)).map((alias) => alias.AliasName).sort();

/** The name of a stream in its ARN, which ends in the time of its creation. */
export const streamNameOf = (arn: string): string => arn.split('/')[1] ?? arn;

/** A fragment of a stream, and the one before it where that is listed. */
export interface Found {
  fragment: Fragment;
  before: Fragment | undefined;
}

const newestFirst = async (arn: string, from: number, to: number, options: Signal): Promise<Fragment[]> => {
  const { Fragments: found } = await listFragments(streamNameOf(arn), { from: from / 1000, to: to / 1000 }, { max: 1000 }, options);
  return found.sort((a, b) => (a.FragmentNumber < b.FragmentNumber ? 1 : -1));
};

/** The fragment in which an instant of the producer is. */
export async function fragmentAt(arn: string, at: number, options: Signal = {}): Promise<Found | undefined> {
  const found = await newestFirst(arn, at - 30_000, at + 30_000, options);
  const index = found.findIndex((one) => one.ProducerTimestamp * 1000 <= at + 1);
  const fragment = found[index];
  return fragment && { fragment, before: found[index + 1] };
}

/** The newest fragment of a stream that is written. */
export async function newestFragment(arn: string, options: Signal = {}): Promise<Found | undefined> {
  const now = Date.now();
  const [fragment, before] = await newestFirst(arn, now - 60_000, now + 60_000, options);
  return fragment && { fragment, before };
}

/** Finds a fragment by its number between two times of the server, in milliseconds. */
export async function findFragment(arn: string, number: string, range: { from: number; to: number }, options: Signal = {}): Promise<Fragment | undefined> {
  let token: string | undefined;
  do {
    const page = await listFragments(streamNameOf(arn), { from: range.from / 1000, to: range.to / 1000 }, { max: 1000, ...(token && { token }) }, options);
    const found = page.Fragments.find((one) => one.FragmentNumber === number);
    if (found) return found;
    token = page.NextToken ?? undefined;
  } while (token);
  return undefined;
}

/** How many fragments are listed between two numbers and two times, both included. */
export async function countFragments(arn: string, numbers: { first: string; last: string }, range: { from: number; to: number }, options: Signal = {}): Promise<number> {
  let [count, token]: [number, string | undefined] = [0, undefined];
  do {
    const page: { Fragments: Fragment[]; NextToken?: string | null } = await listFragments(streamNameOf(arn), { from: range.from / 1000, to: range.to / 1000 }, { max: 1000, ...(token && { token }) }, options);
    count += page.Fragments.filter(({ FragmentNumber: number }) => number >= numbers.first && number <= numbers.last).length;
    token = page.NextToken ?? undefined;
  } while (token);
  return count;
}

/** A stored fragment as GetMedia sends it. */
export async function readFragment(streamName: string, number: string, options: Signal = {}): Promise<Uint8Array> {
  const init: RequestInit = {
    method: 'POST', credentials: 'same-origin', cache: 'no-store', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ StreamName: streamName, Fragments: [number] }),
  };
  if (options.signal) init.signal = options.signal;
  const response = await fetch(operationAddress('kinesisvideo', '/getMediaForFragmentList'), init);
  if (!response.ok) throw refusal(response.status, response.headers, await response.json().catch(() => undefined));
  return new Uint8Array(await response.arrayBuffer());
}
