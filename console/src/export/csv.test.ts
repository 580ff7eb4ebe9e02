import { describe, expect, it } from 'vitest';
import { cell, csv, jsonLines } from './csv';

describe('CSV', () => {
  it('quotes what has separators, quotes and line ends', () => {
    expect(csv([{ a: 'x,y', b: 'say "no"' }, { a: 'line\nbreak', b: null }], [['A', (row) => row.a], ['B', (row) => row.b]])).toBe(
      'A,B\r\n"x,y","say ""no"""\r\n"line\nbreak",\r\n',
    );
  });

  it('gives a spreadsheet no formula, and keeps numbers of telephones', () => {
    expect(['=1+1', '@SUM(A1)', '-cmd', '+12065550142', '-3.5', '\tx'].map(cell)).toEqual(["'=1+1", "'@SUM(A1)", "'-cmd", '+12065550142', '-3.5', "'\tx"]);
  });

  it('writes an object a line', () => {
    expect(jsonLines([{ a: 1 }, { a: 'ü\n' }])).toBe('{"a":1}\n{"a":"ü\\n"}\n');
  });
});
