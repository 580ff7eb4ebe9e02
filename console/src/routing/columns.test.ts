import { expect, it } from 'vitest';
import { columnsPart, DEFAULT_COLUMNS, readColumns, turned } from './columns';
import { openPart, readFilters } from './filters';

const ids = (columns: readonly { id: string }[]): string[] => columns.map((column) => column.id);

it('has a view without a choice in the address', () => {
  expect(readColumns(undefined)).toBe(DEFAULT_COLUMNS);
  expect(columnsPart(DEFAULT_COLUMNS)).toBeUndefined();
});

it('reads what it writes, in one order, with attributes last', () => {
  const chosen = readColumns('a.x%2Cy,lost,state,odd');
  expect(ids(chosen)).toEqual(['state', 'customer', 'lost', 'a.x,y']);
  expect(ids(readColumns(columnsPart(chosen)))).toEqual(ids(chosen));
});

it('turns a column on and off again', () => {
  const more = turned(DEFAULT_COLUMNS, 'id');
  expect(ids(more)).toEqual([...ids(DEFAULT_COLUMNS), 'id']);
  expect(columnsPart(turned(more, 'id'))).toBeUndefined();
  expect(ids(turned(readColumns('customer'), 'customer'))).toEqual(['customer']);
});

it('has the losses and the order of the list in the address', () => {
  expect(openPart(readFilters('losses=yes&sort=started', ''))).toBe('losses=yes&sort=started');
  expect(openPart(readFilters('losses=some&sort=longest', ''))).toBe('');
});

it('stands in the address beside the conditions', () => {
  expect(openPart(readFilters('state=live&cols=state,lost', ''))).toBe('state=live&cols=state%2Clost');
});
