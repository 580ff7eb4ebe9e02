/** Amazon Connect's API, as far as the console uses it. */
import { call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export interface Instance {
  Id: string;
  Arn: string;
  InstanceAlias: string;
  CreatedTime: number;
  InstanceStatus: string;
  InboundCallsEnabled: boolean;
  OutboundCallsEnabled: boolean;
}

export interface Named {
  Id: string;
  Arn: string;
  Name: string;
}

/** What DescribeContact has to the millisecond; the record has whole seconds. */
export interface ExactContact {
  InitiationTimestamp: number;
  ConnectedToSystemTimestamp?: number;
  DisconnectTimestamp?: number;
  Recordings?: { StartTimestamp: number; StopTimestamp?: number }[];
}

export interface StreamConfig {
  Prefix: string;
  RetentionPeriodHours: number;
  EncryptionConfig: { EncryptionType: 'KMS'; KeyId: string };
}

export interface StorageConfig {
  AssociationId?: string;
  StorageType: string;
  KinesisVideoStreamConfig?: StreamConfig;
  KinesisStreamConfig?: { StreamArn: string };
  S3Config?: { BucketName: string; BucketPrefix: string; EncryptionConfig?: { EncryptionType: 'KMS'; KeyId: string } };
}

/** All pages of a list. */
async function all<T>(path: string, member: string, query: Record<string, string>, options: Signal): Promise<T[]> {
  const found: T[] = [];
  let nextToken: string | undefined;
  do {
    const page = await call<Record<string, unknown>>('connect', path, { ...options, query: { ...query, nextToken } });
    found.push(...((page[member] as T[] | undefined) ?? []));
    nextToken = (page['NextToken'] as string | null | undefined) ?? undefined;
  } while (nextToken && found.length < 5_000);
  return found;
}

export const listInstances = (options: Signal = {}): Promise<Instance[]> => all('/instance', 'InstanceSummaryList', {}, options);

export const listFlows = (instance: string, options: Signal = {}): Promise<Named[]> => listFlowsOfType(instance, 'CONTACT_FLOW', options);

export const listFlowsOfType = (instance: string, type: string, options: Signal = {}): Promise<Named[]> =>
  all(`/contact-flows-summary/${instance}`, 'ContactFlowSummaryList', { contactFlowTypes: type }, options);

export const listQueues = (instance: string, options: Signal = {}): Promise<Named[]> =>
  all(`/queues-summary/${instance}`, 'QueueSummaryList', { queueTypes: 'STANDARD' }, options);

export const listUsers = (instance: string, options: Signal = {}): Promise<(Named & { Username: string })[]> =>
  all(`/users-summary/${instance}`, 'UserSummaryList', {}, options);

export const describeExactly = async (instance: string, contact: string, options: Signal = {}): Promise<ExactContact> =>
  (await call<{ Contact: ExactContact }>('connect', `/contacts/${instance}/${encodeURIComponent(contact)}`, options)).Contact;

/** The values of a contact's attributes: a line of the audit file. */
export const getContactAttributes = async (instance: string, contact: string): Promise<Record<string, string>> =>
  (await call<{ Attributes: Record<string, string> }>('connect', `/contact/attributes/${instance}/${encodeURIComponent(contact)}`)).Attributes;

const storage = (instance: string): string => `/instance/${instance}/storage-config`;

/** What is associated with an instance for a type of resource; undefined where nothing is. */
export async function storageConfig(instance: string, resourceType: string, options: Signal = {}): Promise<StorageConfig | undefined> {
  const found = await all<StorageConfig>(`${storage(instance)}s`, 'StorageConfigs', { resourceType }, options);
  return found[0];
}

/** The last part of an ARN: the id of what it names. */
export const idOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
