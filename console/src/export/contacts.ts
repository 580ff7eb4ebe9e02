import type { ContactRecord } from '../api/tympan';
import { csv } from './csv';

/** Contacts as a table: a column for each attribute that one of them has. */
export function contactsCsv(records: readonly ContactRecord[]): string {
  const names = [...new Set(records.flatMap((record) => Object.keys(record.Attributes)))].sort();
  const capture = (record: ContactRecord): NonNullable<ContactRecord['Recordings']>[number] | undefined =>
    record.Recordings?.find((one) => one.StorageType === 'KINESIS_VIDEO_STREAM');
  return csv(records, [
    ['ContactId', (record) => record.ContactId],
    ['InitiationTimestamp', (record) => record.InitiationTimestamp],
    ['ConnectedToSystemTimestamp', (record) => record.ConnectedToSystemTimestamp],
    ['DisconnectTimestamp', (record) => record.DisconnectTimestamp],
    ['DisconnectReason', (record) => record.DisconnectReason],
    ['InitiationMethod', (record) => record.InitiationMethod],
    ['CustomerEndpoint', (record) => record.CustomerEndpoint?.Address],
    ['SystemEndpoint', (record) => record.SystemEndpoint?.Address],
    ['ContactFlowName', (record) => record.ContactFlowName],
    ['Queue', (record) => record.Queue?.Name],
    ['Agent', (record) => record.Agent?.Username],
    ['StreamARN', (record) => capture(record)?.Location],
    ['FragmentStartNumber', (record) => exact(capture(record)?.FragmentStartNumber)],
    ['FragmentStopNumber', (record) => exact(capture(record)?.FragmentStopNumber)],
    ...names.map((name) => [`Attributes.${name}`, (record: ContactRecord) => exact(record.Attributes[name])] as const),
  ]);
}

/** Spreadsheets round numbers of more than 15 digits; an apostrophe keeps them text. */
const exact = (text: string | null | undefined): string | null | undefined => (text && /^\d{16,}$/.test(text) ? `'${text}` : text);
