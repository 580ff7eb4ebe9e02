/** Where records, events and recordings of an instance go: the words of the pages, and what requests need. */
import type { StorageConfig } from '../api/connect';

export type Sent = 'CONTACT_TRACE_RECORDS' | 'AGENT_EVENTS' | 'CALL_RECORDINGS';

export interface Destination {
  type: Sent;
  title: string;
  /** What goes there, and when. */
  what: string;
  /** What happens without one. */
  off: string;
  to: 'stream' | 'bucket';
}

export const DESTINATIONS: readonly Destination[] = [
  {
    type: 'CONTACT_TRACE_RECORDS', title: 'Contact records', to: 'stream',
    what: 'The record of each contact, when its flow and the work after it are over, and again after each change.', off: 'No stream of its own: records go where [contact_records] of the configuration says, and Contacts has them.',
  },
  { type: 'AGENT_EVENTS', title: 'Agent events', to: 'stream', what: 'An event when an agent logs in or out, changes status, or has a contact.', off: 'No agent events are sent.' },
  { type: 'CALL_RECORDINGS', title: 'Call recordings', to: 'bucket', what: 'Kept and shown for programs that read it. This server writes no recordings of conversations: live media streaming captures the customer.', off: 'No place is set. This server writes no recordings of conversations.' },
];

/** What a form holds. */
export interface Place {
  arn: string;
  bucket: string;
  prefix: string;
  key: string;
}

export const placeOf = (config: StorageConfig | undefined): Place => ({
  arn: config?.KinesisStreamConfig?.StreamArn ?? '',
  bucket: config?.S3Config?.BucketName ?? '',
  prefix: config?.S3Config?.BucketPrefix ?? '',
  key: config?.S3Config?.EncryptionConfig?.KeyId ?? '',
});

export const configOf = (to: Destination['to'], { arn, bucket, prefix, key }: Place): StorageConfig =>
  to === 'stream'
    ? { StorageType: 'KINESIS_STREAM', KinesisStreamConfig: { StreamArn: arn } }
    : { StorageType: 'S3', S3Config: { BucketName: bucket, BucketPrefix: prefix, ...(key && { EncryptionConfig: { EncryptionType: 'KMS', KeyId: key } }) } };

/** What is wrong with a place; empty where nothing is. */
export function placeTrouble(to: Destination['to'], { arn, bucket, prefix }: Place): string {
  if (to === 'stream') return /^arn:[^:\s]+:kinesis:[^:\s]*:[^:\s]*:stream\/\S+$/.test(arn) ? '' : 'The ARN of a data stream: arn:aws:kinesis:REGION:ACCOUNT:stream/NAME.';
  const fits = (text: string): boolean => text.length >= 1 && text.length <= 128;
  return fits(bucket) && fits(prefix) ? '' : 'Bucket and prefix have 1 to 128 characters each.';
}

/** Where it goes, in a line. */
export const placeWords = (to: Destination['to'], { arn, bucket, prefix }: Place): string => (to === 'stream' ? arn.slice(arn.lastIndexOf('/') + 1) : `s3://${bucket}/${prefix}`);
