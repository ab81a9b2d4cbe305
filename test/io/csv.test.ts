import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvNumbers, formatCsv, parseCsv } from '../../src/io/csv.ts';

describe('parseCsv', () => {
  const rows = (text: string, delimiter?: string): unknown => parseCsv(text, { header: false, ...(delimiter && { delimiter }) }).rows;

  test.each<[string, string, string[][]]>([
    ['nothing', '', []],
    ['one record', 'a,b', [['a', 'b']]],
    ['a line break at the end', 'a,b\r\n', [['a', 'b']]],
    ['all kinds of line break', 'a\nb\r\nc\rd', [['a'], ['b'], ['c'], ['d']]],
    [
      'empty fields',
      ',\n,',
      [
        ['', ''],
        ['', ''],
      ],
    ],
    ['an empty line is an empty field', 'a\n\nb', [['a'], [''], ['b']]],
    [
      'quotes',
      '"a","b,c"\n"d""e","f\r\ng"',
      [
        ['a', 'b,c'],
        ['d"e', 'f\r\ng'],
      ],
    ],
    ['an empty quoted field', '"",""', [['', '']]],
    ['only quotes', '""""', [['"']]],
    ['blanks are kept', ' a , b ', [[' a ', ' b ']]],
    ['a byte order mark', '\ufeffa,"b"', [['a', 'b']]],
    ['a byte order mark before a quote', '\ufeff"a"', [['a']]],
  ])('%s', (_, text, expected) => {
    expect(rows(text)).toEqual(expected);
  });

  test('another delimiter', () => {
    expect(rows('a;b,c\n1;2', ';')).toEqual([
      ['a', 'b,c'],
      ['1', '2'],
    ]);
    expect(() => parseCsv('', { delimiter: ';;' })).toThrow(/one character/);
    expect(() => parseCsv('', { delimiter: '"' })).toThrow(/quote/);
  });

  test('the header, and the lines of the rows', () => {
    expect(parseCsv('x,y\n1,"a\nb"\n3,4\n')).toEqual({
      columns: ['x', 'y'],
      rows: [
        ['1', 'a\nb'],
        ['3', '4'],
      ],
      lines: [2, 4],
    });
    expect(parseCsv('')).toEqual({ columns: [], rows: [], lines: [] });
  });

  test.each<[string, string, string]>([
    ['a quote inside a field', 'a,b\n1,2"3', 'csv: line 2, column 4: a quote inside a field that does not begin with one'],
    ['text after a quoted field', 'a\n"b\nc"d', 'csv: line 3, column 3: something after the closing quote of a field'],
    ['a quote left open', 'a,b\n1,"2\n3', 'csv: line 2, column 3: a quoted field that does not end'],
    ['too few fields', 'a,b\n1,2\n3\n', 'csv: line 3 has 1 field, but the first has 2'],
    ['too many fields', 'a\n1,2', 'csv: line 2 has 2 fields, but the first has 1'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseCsv(text)).toThrow(expect.objectContaining({ name: 'FormatError', message }));
  });

  test('what formatCsv writes comes back', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '\ufeff') });
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain((width) => fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1 }));
    fc.assert(
      fc.property(table, (records) => {
        expect(rows(formatCsv(records))).toEqual(records);
      }),
    );
  });
});

describe('csvNumbers', () => {
  const table = parseCsv('x, y ,x\n1,-2.5e3,.5\n 4 ,nan,-Inf\n');

  test('all columns', () => {
    const { columns, shape, data } = csvNumbers(table);
    expect(columns).toEqual(['x', ' y ', 'x']);
    expect(shape).toEqual([2, 3]);
    expect(data).toEqual(Float64Array.of(1, -2500, 0.5, 4, Number.NaN, Number.NEGATIVE_INFINITY));
  });

  test('some columns, by place or name', () => {
    expect(csvNumbers(table, { columns: [2, ' y '] }).data).toEqual(Float64Array.of(0.5, -2500, Number.NEGATIVE_INFINITY, Number.NaN));
    expect(csvNumbers(parseCsv('1,2', { header: false }))).toEqual({ columns: ['0', '1'], shape: [1, 2], data: Float64Array.of(1, 2) });
    expect(csvNumbers(parseCsv('')).shape).toEqual([0, 0]);
  });

  test('wrong columns are refused', () => {
    expect(() => csvNumbers(table, { columns: ['z'] })).toThrow("there is no column 'z': there are 'x', ' y ', 'x'");
    expect(() => csvNumbers(table, { columns: ['x'] })).toThrow("two columns are named 'x'");
    expect(() => csvNumbers(table, { columns: [3] })).toThrow('there is no column 3');
    expect(() => csvNumbers(parseCsv('1', { header: false }), { columns: ['x'] })).toThrow('have no names');
  });

  test.each<[string, string, string]>([
    ['a word', 'x,y\n1,"a\nb"\n', 'csv: line 2, column 2 ("y"): "a\\nb" is not a number'],
    ['a word after a field of two lines', 'x,y\n1,2\n"\n3",4\n5,six', 'csv: line 5, column 2 ("y"): "six" is not a number'],
    ['nothing', 'x,y\n1,', 'csv: line 2, column 2 ("y"): an empty field'],
    ['a hexadecimal number', 'x\n0x10', 'csv: line 2, column 1 ("x"): "0x10" is not a number'],
    ['two numbers', 'x\n1 2', 'csv: line 2, column 1 ("x"): "1 2" is not a number'],
  ])('refuses %s', (_, text, message) => {
    expect(() => csvNumbers(parseCsv(text))).toThrow(expect.objectContaining({ name: 'FormatError', message }));
  });

  test('empty fields may stand for a number', () => {
    expect(csvNumbers(parseCsv('x,y\n1,\n ,2'), { missing: -1 }).data).toEqual(Float64Array.of(1, -1, -1, 2));
  });
});

test('formatCsv refuses records of different lengths', () => {
  expect(() => formatCsv([[1, 2], [3]])).toThrow(/record 1 has 1 field, but the first has 2/);
});
