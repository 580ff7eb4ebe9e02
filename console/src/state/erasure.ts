import { deletionOf } from '../api/hearings';
import { countFragments } from '../api/media';
import { ApiError } from '../api/request';
import { describeContact, getWaveform, searchContacts, type ContactRecord, type Recording } from '../api/tympan';
import { instant } from '../format/time';

/** A question that was asked after a deletion, and what was answered. */
export interface Check {
  question: string;
  answer: string;
  /** Whether it shows that nothing is left; undefined where it could not be asked. */
  isGone: boolean | undefined;
}

const SEARCHED_PAGES = 20;

const missing = async (question: string, ask: () => Promise<unknown>): Promise<Check> => {
  try {
    await ask();
    return { question, answer: 'still answered', isGone: false };
  } catch (error) {
    if (error instanceof ApiError && error.isMissing) return { question, answer: `${error.status} ${error.code}`, isGone: true };
    return { question, answer: error instanceof Error ? error.message : String(error), isGone: undefined };
  }
};

const asked = async (question: string, ask: () => Promise<Omit<Check, 'question'>>): Promise<Check> => {
  try {
    return { question, ...(await ask()) };
  } catch (error) {
    return { question, answer: error instanceof Error ? error.message : String(error), isGone: undefined };
  }
};

/** Searches for a contact by the second of its begin. */
async function search({ ContactId, InitiationTimestamp }: ContactRecord<unknown>): Promise<Omit<Check, 'question'>> {
  const at = instant(InitiationTimestamp) ?? 0;
  const range = { From: new Date(at - 1_000).toISOString(), To: new Date(at + 2_000).toISOString() };
  let token: string | undefined;
  let seen = 0;
  for (let page = 0; page < SEARCHED_PAGES; page++) {
    const answer = await searchContacts({ TimeRange: { Axis: 'INITIATION', ...range }, MaxResults: 1000, ...(token && { NextToken: token }) });
    if (answer.Contacts.some((one) => one.ContactId === ContactId)) return { answer: 'found', isGone: false };
    seen += answer.Contacts.length;
    token = answer.NextToken;
    if (!token) return { answer: `not found; ${seen === 0 ? 'nothing else' : `${seen} ${seen === 1 ? 'other' : 'others'}`} began then`, isGone: true };
  }
  return { answer: `not among the first ${seen}`, isGone: undefined };
}

async function fragments(capture: Recording): Promise<Omit<Check, 'question'>> {
  const range = { from: (instant(capture.StartTimestamp) ?? 0) - 60_000, to: (instant(capture.StopTimestamp) ?? Date.now()) + 60_000 };
  const count = await countFragments(capture.Location, { first: capture.FragmentStartNumber, last: capture.FragmentStopNumber ?? '9'.repeat(47) }, range);
  return { answer: count === 0 ? 'none is listed' : `${count} are listed`, isGone: count === 0 };
}

/** Asks the server what is left of a contact. */
export const verify = (record: ContactRecord<unknown>, withMedia: boolean): Promise<Check[]> =>
  Promise.all([
    missing('DescribeContact', () => describeContact(record.ContactId)),
    asked('SearchContacts, at the second of its begin', () => search(record)),
    missing('GetWaveform', () => getWaveform(record.ContactId, 1)),
    ...(withMedia ? (record.Recordings ?? []).map((capture, at) => asked(`ListFragments, capture ${at + 1}`, () => fragments(capture))) : []),
    asked('ListAuditLines, the deletion', async () => {
      const line = await deletionOf(record.ContactId);
      return line
        ? { answer: `${line.Time}, by ${line.User ?? 'not known'}, request ${line.RequestId ?? 'not known'}`, isGone: true }
        : { answer: 'no line yet', isGone: undefined };
    }),
  ]);
