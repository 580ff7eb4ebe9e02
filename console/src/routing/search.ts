import type { Search } from '../api/tympan';
import { rangeOf } from '../format/range';
import type { Filters } from './filters';

/** The search that conditions mean at an instant. */
export function searchOf(wanted: Filters, now: number, zone: string): Search {
  const search: Search = {};
  const range = rangeOf(wanted, now, zone);
  if (range) {
    search.TimeRange = { Axis: 'INITIATION', From: new Date(range.from).toISOString() };
    if (range.to !== undefined) search.TimeRange.To = new Date(range.to).toISOString();
  }
  if (wanted.number) search.NumberPart = wanted.number;
  if (wanted.attributeName) search.Attribute = { Name: wanted.attributeName, Value: wanted.attributeValue ?? '' };
  if (wanted.flow) search.ContactFlowId = wanted.flow;
  if (wanted.queue) search.Queue = wanted.queue;
  if (wanted.agent) search.Agent = wanted.agent;
  if (wanted.state) search.State = wanted.state === 'live' ? 'LIVE' : 'ENDED';
  if (wanted.stream) search.HasStream = wanted.stream === 'yes';
  if (wanted.losses) search.HasLosses = wanted.losses === 'yes';
  if (wanted.sort) search.Order = 'OLDEST_FIRST';
  return search;
}
