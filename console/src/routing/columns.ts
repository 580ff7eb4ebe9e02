/** Columns of the list of contacts, as the address names them: `cols=state,customer,a.language`. */

export interface Column {
  id: string;
  name: string;
  right?: boolean;
}

/** All but attributes, in their order. The customer opens the contact and is always there. */
export const COLUMNS: readonly Column[] = [
  { id: 'state', name: 'State' },
  { id: 'started', name: 'Started' },
  { id: 'customer', name: 'Customer' },
  { id: 'shape', name: 'Shape' },
  { id: 'flow', name: 'Flow' },
  { id: 'number', name: 'Number called' },
  { id: 'method', name: 'Begun by' },
  { id: 'queue', name: 'Queue' },
  { id: 'agent', name: 'Agent' },
  { id: 'length', name: 'Call', right: true },
  { id: 'captured', name: 'Captured' },
  { id: 'lost', name: 'Lost', right: true },
  { id: 'ended', name: 'Ended by' },
  { id: 'id', name: 'Contact id' },
];

const NOT_AT_FIRST = new Set(['number', 'method', 'id']);
export const DEFAULT_COLUMNS: readonly Column[] = COLUMNS.filter((column) => !NOT_AT_FIRST.has(column.id));

/** A column of an attribute has its name; the values of attributes stay out of addresses. */
const attribute = (id: string): Column | undefined => (id.startsWith('a.') && id.length > 2 ? { id, name: id.slice(2) } : undefined);
export const attributeOf = (column: Column): string | undefined => (column.id.startsWith('a.') ? column.id.slice(2) : undefined);

/** Names of attributes may have commas. */
const write = (id: string): string => encodeURIComponent(id);
const read = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
};

/** The columns that an address chooses; what it does not know is passed over. */
export function readColumns(cols: string | undefined): readonly Column[] {
  if (!cols) return DEFAULT_COLUMNS;
  const ids = [...new Set(cols.split(',').map(read))];
  const known = COLUMNS.filter((column) => column.id === 'customer' || ids.includes(column.id));
  return [...known, ...ids.flatMap((id) => attribute(id) ?? [])];
}

/** What the address says of columns: nothing, where they are those of the beginning. */
export function columnsPart(columns: readonly Column[]): string | undefined {
  const text = columns.map((column) => write(column.id)).join(',');
  return text === DEFAULT_COLUMNS.map((column) => column.id).join(',') ? undefined : text;
}

/** With a column more, or without it. */
export function turned(columns: readonly Column[], id: string): readonly Column[] {
  const has = columns.some((column) => column.id === id);
  const ids = has ? columns.filter((column) => column.id !== id).map((column) => column.id) : [...columns.map((column) => column.id), id];
  return readColumns(ids.map(write).join(',') || 'customer');
}
