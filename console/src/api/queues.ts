/** Queues, and when they are open. */
import type { Slice } from '../format/week';
import { operation, pages } from './operation';

export interface Queue {
  QueueId: string;
  QueueArn: string;
  Name: string;
  Description?: string;
  HoursOfOperationId: string;
  MaxContacts?: number;
  Status: 'ENABLED' | 'DISABLED';
  OutboundCallerConfig?: OutboundCaller;
}

export interface OutboundCaller {
  OutboundCallerIdName?: string;
  OutboundCallerIdNumberId?: string;
  OutboundFlowId?: string;
}

export const searchQueues = operation<Record<string, unknown>>('SearchQueues', 'POST', '/search-queues');
export const createQueue = operation<{ QueueId: string }>('CreateQueue', 'PUT', '/queues/{InstanceId}');
export const nameQueue = operation('UpdateQueueName', 'POST', '/queues/{InstanceId}/{QueueId}/name');
export const limitQueue = operation('UpdateQueueMaxContacts', 'POST', '/queues/{InstanceId}/{QueueId}/max-contacts');
export const openQueue = operation('UpdateQueueHoursOfOperation', 'POST', '/queues/{InstanceId}/{QueueId}/hours-of-operation');
export const setQueueCaller = operation('UpdateQueueOutboundCallerConfig', 'POST', '/queues/{InstanceId}/{QueueId}/outbound-caller-config');
export const setQueueStatus = operation('UpdateQueueStatus', 'POST', '/queues/{InstanceId}/{QueueId}/status');
export const deleteQueue = operation('DeleteQueue', 'DELETE', '/queues/{InstanceId}/{QueueId}');

export const allQueues = (instance: string): Promise<Queue[]> => pages(searchQueues, { InstanceId: instance }, 'Queues');

export interface Hours {
  HoursOfOperationId: string;
  HoursOfOperationArn: string;
  Name: string;
  Description?: string;
  TimeZone: string;
  Config: Slice[];
}

export const searchHours = operation<Record<string, unknown>>('SearchHoursOfOperations', 'POST', '/search-hours-of-operations');
export const createHours = operation<{ HoursOfOperationId: string }>('CreateHoursOfOperation', 'PUT', '/hours-of-operations/{InstanceId}');
export const updateHours = operation('UpdateHoursOfOperation', 'POST', '/hours-of-operations/{InstanceId}/{HoursOfOperationId}');
export const deleteHours = operation('DeleteHoursOfOperation', 'DELETE', '/hours-of-operations/{InstanceId}/{HoursOfOperationId}');

export const allHours = (instance: string): Promise<Hours[]> => pages(searchHours, { InstanceId: instance }, 'HoursOfOperations');
