import type { Disk, Health, LoggedError, Setting, Sink } from '../api/health';
import { counted, bytes, grouped } from './quantity';

/** `43 days`, `less than a day`, or that it is not known yet. */
export function daysLeft(disk: Disk | null): string {
  if (!disk) return 'not known';
  if (disk.DaysLeft === null) return disk.BytesPerDay === null ? 'not known yet' : 'it does not fill';
  if (disk.DaysLeft < 1) return 'less than a day';
  return disk.DaysLeft > 3650 ? 'over 10 years' : counted(Math.floor(disk.DaysLeft), 'day');
}

export function diskSentence(disk: Disk | null): string {
  if (!disk) return 'The disk of the data folder can’t be looked at.';
  const room = `${bytes(disk.FreeBytes)} of ${bytes(disk.TotalBytes)} are free`;
  if (disk.BytesPerDay === null) return `${room}. How long that lasts is known after an hour.`;
  if (disk.DaysLeft === null) return `${room}, and the disk does not fill.`;
  return `${room}: ${daysLeft(disk)} at this rate, ${bytes(disk.BytesPerDay)} a day.`;
}

/** `Room for 39 more calls at once.` */
export const callsSentence = ({ Live, Limit }: Health['Calls']): string =>
  Live < Limit ? `Room for ${counted(Limit - Live, 'more call')} at once.` : 'No room for another call: it is answered with 503.';

/** The account's streams count, those that no call uses included. */
export function streamsSentence({ Kept, Limit }: Health['Streams']): string {
  if (Limit === null) return 'An account may have any number of streams.';
  if (Kept < Limit) return `Room for ${counted(Limit - Kept, 'more stream')}. A call takes one that is free first.`;
  return `All ${grouped(Limit)} streams exist: a call that finds none free is answered without capture.`;
}

const NAMES: Record<Sink['Kind'], string> = { RECORDS: 'Contact records', EVENTS: 'Agent events', FLOW_LOG: 'Lines of the flow log', AUDIT: 'Audit lines' };
const LOSES: readonly Sink['Kind'][] = ['FLOW_LOG', 'AUDIT'];

export const sinkName = (sink: Sink): string => NAMES[sink.Kind] ?? sink.Kind;

/** What a sink that fails means: first what is not lost. */
export function sinkSentence(sink: Sink): string {
  const name = sinkName(sink);
  // Records and events wait in the database; lines wait in a queue of the process.
  const isKept = !LOSES.includes(sink.Kind);
  const waits = sink.Waiting === 0 ? 'nothing waits now' : `${grouped(sink.Waiting)} ${sink.Waiting === 1 ? 'waits' : 'wait'}`;
  const gone = sink.Lost === 0 ? 'none is lost' : isKept ? `${grouped(sink.Lost)} were set aside in dead-letter` : `${grouped(sink.Lost)} were lost since the start`;
  return isKept ? `${name} are waiting, ${gone}: ${waits}.` : `${name} can’t be written, ${gone}: ${waits}.`;
}

export const failing = (health: Health | undefined): Sink[] => (health?.Sinks ?? []).filter((sink) => sink.State === 'FAILING');

/** Keys that can’t be used now. */
export const sealed = (health: Health | undefined): Health['Keys'] => (health?.Keys ?? []).filter((key) => key.State !== 'Enabled');

/** The same error many times in a row is one entry with a count. */
export function grouping(errors: readonly LoggedError[]): { error: LoggedError; count: number }[] {
  const made: { error: LoggedError; count: number }[] = [];
  for (const error of errors) {
    const last = made.at(-1);
    if (last && last.error.Message === error.Message && last.error.Target === error.Target) last.count++;
    else made.push({ error, count: 1 });
  }
  return made;
}

export const SOURCES: Record<Setting['Source'], string> = { DEFAULT: 'default', FILE: 'file', ENVIRONMENT: 'environment', FLAG: 'command line', DEV: '--dev' };

/** Settings that a search finds: each of its words in the key, the value or the place. */
export function findSettings(settings: readonly Setting[], wanted: string, isSetOnly: boolean): Setting[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return settings.filter((setting) => {
    if (isSetOnly && setting.Source === 'DEFAULT') return false;
    const text = `${setting.Key} ${setting.IsSecret ? '' : (setting.Value ?? '')} ${setting.From ?? ''} ${SOURCES[setting.Source]}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Settings by their table, which the key begins with. */
export function byTable(settings: readonly Setting[]): { table: string; settings: Setting[] }[] {
  const tables = new Map<string, Setting[]>();
  for (const setting of settings) {
    const table = setting.Key.includes('.') ? (setting.Key.split(/[.[]/)[0] ?? '') : setting.Key.replace(/\[.*/, '');
    tables.set(table, [...(tables.get(table) ?? []), setting]);
  }
  return [...tables].map(([table, own]) => ({ table, settings: own }));
}
