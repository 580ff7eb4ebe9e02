/** What is counted of queues and agents now and today, and the supervisor's way into a call. */
import { operation, pages } from './operation';

interface Reference {
  Id: string;
  Arn: string;
}

/** Numbers of a queue, by the names of their metrics; null where one has no value. */
export interface MetricResult {
  Dimensions: { Queue?: Reference };
  Collections: { Metric: { Name: string }; Value: number | null }[];
}

export interface UserData {
  User: Reference;
  Status?: { StatusName: string; StatusStartTimestamp: number };
  NextStatus?: string;
  Contacts: { ContactId: string; AgentContactState: string; StateStartTimestamp: number; ConnectedToAgentTimestamp?: number; Queue?: Reference }[];
}

/** A request has at most so many queues. */
const QUEUES_AT_ONCE = 100;
const NOW = ['CONTACTS_IN_QUEUE', 'OLDEST_CONTACT_AGE', 'AGENTS_ONLINE', 'AGENTS_AVAILABLE', 'AGENTS_ON_CONTACT'];

export const currentMetrics = operation<Record<string, unknown>>('GetCurrentMetricData', 'POST', '/metrics/current/{InstanceId}');
export const metricsOfDay = operation<Record<string, unknown>>('GetMetricData', 'POST', '/metrics/historical/{InstanceId}');
export const currentUsers = operation<Record<string, unknown>>('GetCurrentUserData', 'POST', '/metrics/userdata/{InstanceId}');
export const monitorContact = operation<{ ContactId: string }>('MonitorContact', 'POST', '/contact/monitor');

const filters = (queues: readonly string[]): Record<string, unknown> => ({ Filters: { Queues: queues, Channels: ['VOICE'] }, Groupings: ['QUEUE'] });

export const nowMembers = (instance: string, queues: readonly string[]): Record<string, unknown> => ({
  InstanceId: instance,
  ...filters(queues),
  CurrentMetrics: NOW.map((Name) => ({ Name, Unit: Name === 'OLDEST_CONTACT_AGE' ? 'SECONDS' : 'COUNT' })),
});

/** From and to are at five minutes; seconds within which a call has to be answered. */
export const dayMembers = (instance: string, queues: readonly string[], from: number, to: number, seconds: number): Record<string, unknown> => ({
  InstanceId: instance,
  StartTime: from / 1000,
  EndTime: to / 1000,
  ...filters(queues),
  HistoricalMetrics: [
    ...['CONTACTS_QUEUED', 'CONTACTS_HANDLED', 'CONTACTS_ABANDONED'].map((Name) => ({ Name, Statistic: 'SUM', Unit: 'COUNT' })),
    { Name: 'SERVICE_LEVEL', Statistic: 'AVG', Unit: 'PERCENT', Threshold: { Comparison: 'LT', ThresholdValue: seconds } },
  ],
});

type Numbers = Map<string, Record<string, number | null>>;

/** By the ids of the queues. */
async function byQueue(queues: readonly string[], read: (some: string[]) => Promise<MetricResult[]>): Promise<Numbers> {
  const found: Numbers = new Map();
  for (let at = 0; at < queues.length; at += QUEUES_AT_ONCE) {
    for (const { Dimensions, Collections } of await read(queues.slice(at, at + QUEUES_AT_ONCE)))
      if (Dimensions.Queue) found.set(Dimensions.Queue.Id, Object.fromEntries(Collections.map(({ Metric, Value }) => [Metric.Name, Value])));
  }
  return found;
}

export const queuesNow = (instance: string, queues: readonly string[]): Promise<Numbers> =>
  byQueue(queues, (some) => pages(currentMetrics, nowMembers(instance, some), 'MetricResults'));

export const queuesOfDay = (instance: string, queues: readonly string[], from: number, to: number, seconds: number): Promise<Numbers> =>
  byQueue(queues, (some) => pages(metricsOfDay, dayMembers(instance, some, from, to, seconds), 'MetricResults'));

export const usersNow = (instance: string): Promise<UserData[]> => pages(currentUsers, { InstanceId: instance, Filters: {} }, 'UserDataList');
