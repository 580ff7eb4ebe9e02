/** Other hours on some dates, and when hours are open by all that holds for them. */
import type { Day, Time } from '../format/week';
import { operation, pages } from './operation';

/** A time of an override. Without a day it is every day, without times the whole of it. */
export interface OverrideSlice {
  Day?: Day;
  StartTime?: Time;
  EndTime?: Time;
}

export interface Pattern {
  Frequency: 'WEEKLY' | 'MONTHLY' | 'YEARLY';
  Interval: number;
  ByMonth?: number[];
  ByMonthDay?: number[];
  ByWeekdayOccurrence?: number[];
}

export interface Override {
  HoursOfOperationOverrideId: string;
  Name: string;
  Description?: string;
  Config: OverrideSlice[];
  /** `2026-12-24`. */
  EffectiveFrom: string;
  EffectiveTill: string;
  OverrideType?: 'STANDARD' | 'OPEN' | 'CLOSED';
  RecurrenceConfig?: { RecurrencePattern: Pattern };
}

export interface EffectiveHours {
  EffectiveHoursOfOperationList: { Date: string; OperationalHours: { Start: Time; End: Time }[] }[];
  EffectiveOverrideHoursList: { Date: string; OverrideHours: { OverrideName: string }[] }[];
  TimeZone: string;
}

export const listOverrides = operation<Record<string, unknown>>('ListHoursOfOperationOverrides', 'GET', '/hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides');
export const createOverride = operation<{ HoursOfOperationOverrideId: string }>('CreateHoursOfOperationOverride', 'PUT', '/hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides');
export const updateOverride = operation('UpdateHoursOfOperationOverride', 'POST', '/hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides/{HoursOfOperationOverrideId}');
export const deleteOverride = operation('DeleteHoursOfOperationOverride', 'DELETE', '/hours-of-operations/{InstanceId}/{HoursOfOperationId}/overrides/{HoursOfOperationOverrideId}');
export const effectiveHours = operation<EffectiveHours>('GetEffectiveHoursOfOperations', 'GET', '/effective-hours-of-operations/{InstanceId}/{HoursOfOperationId}', { FromDate: 'fromDate', ToDate: 'toDate' });

export const allOverrides = (instance: string, hours: string): Promise<Override[]> =>
  pages(listOverrides, { InstanceId: instance, HoursOfOperationId: hours }, 'HoursOfOperationOverrideList');
