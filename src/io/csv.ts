/** Comma-separated values as RFC 4180 describes them (Y. Shafranovich, 2005), and columns of numbers from them. */
import { ArgumentError } from '../util/errors.ts';
import { FormatError } from './format-error.ts';

/** Options of `parseCsv`. */
export interface CsvOptions {
  /** The character between fields; a comma by default. */
  readonly delimiter?: string;
  /** Whether the first record names the columns; true by default. */
  readonly header?: boolean;
}

/** The records of a file. */
export interface CsvTable {
  /** The names of the columns, or null where the file does not name them. */
  readonly columns: readonly string[] | null;
  readonly rows: readonly (readonly string[])[];
  /** The line, counted from 1, on which each row begins. */
  readonly lines: readonly number[];
}

/** Options of `csvNumbers`. */
export interface CsvNumberOptions {
  /** Which columns, by name or by place from 0; all by default. */
  readonly columns?: readonly (string | number)[];
  /** What an empty field stands for; without it, an empty field is an error. */
  readonly missing?: number;
}

/** Numbers in rows and columns. */
export interface CsvNumbers {
  readonly columns: readonly string[];
  readonly shape: readonly [rows: number, columns: number];
  /** In row-major order. */
  readonly data: Float64Array;
}

/**
 * Reads a text of comma-separated values. Quoted fields may hold delimiters, line breaks and doubled quotes; lines may end in any way; a
 * byte order mark is skipped; every record must have as many fields as the first.
 *
 * @throws FormatError naming line and column of what is wrong.
 * @throws ArgumentError if the delimiter is not one character, or a quote or line break.
 * @example
 * parseCsv('x,y\n1,2\n3,4\n').rows;   // [['1', '2'], ['3', '4']]
 */
export function parseCsv(text: string, options: CsvOptions = {}): CsvTable {
  const delimiter = options.delimiter ?? ',';
  if (delimiter.length !== 1 || delimiter === '"' || delimiter === '\n' || delimiter === '\r') {
    throw new ArgumentError(`parseCsv: the delimiter must be one character, not a quote or line break; got ${JSON.stringify(delimiter)}`);
  }
  const { records, lines } = new Reader(text, delimiter).readAll();
  const first = records[0];
  records.forEach((record, index) => {
    if (record.length !== first!.length) {
      throw new FormatError(`csv: line ${lines[index]} has ${record.length} ${plural(record.length)}, but the first has ${first!.length}`);
    }
  });
  if (!(options.header ?? true)) return { columns: null, rows: records, lines };
  return { columns: first ?? [], rows: records.slice(1), lines: lines.slice(1) };
}

function plural(fields: number): string {
  return fields === 1 ? 'field' : 'fields';
}

/** Splits a text into records; knows at which line and column it is. */
class Reader {
  private readonly text: string;
  private readonly delimiter: string;
  private position: number;
  private line = 1;
  private lineStart: number;

  constructor(text: string, delimiter: string) {
    this.text = text;
    this.delimiter = delimiter;
    this.position = text.startsWith('\ufeff') ? 1 : 0;
    this.lineStart = this.position;
  }

  readAll(): { records: string[][]; lines: number[] } {
    const records: string[][] = [];
    const lines: number[] = [];
    while (this.position < this.text.length) {
      lines.push(this.line);
      records.push(this.record());
    }
    return { records, lines };
  }

  private record(): string[] {
    const fields: string[] = [];
    for (;;) {
      fields.push(this.text[this.position] === '"' ? this.quoted() : this.plain());
      if (this.text[this.position] !== this.delimiter) break;
      this.position++;
    }
    this.skipLineBreak();
    return fields;
  }

  private plain(): string {
    const start = this.position;
    while (!this.atFieldEnd()) {
      if (this.text[this.position] === '"') this.refuse('a quote inside a field that does not begin with one');
      this.position++;
    }
    return this.text.slice(start, this.position);
  }

  private quoted(): string {
    const [line, column] = [this.line, this.column()];
    let value = '';
    this.position++;
    let start = this.position;
    for (;;) {
      const character = this.text[this.position];
      if (character === undefined) throw new FormatError(`csv: line ${line}, column ${column}: a quoted field that does not end`);
      if (character === '"') {
        value += this.text.slice(start, this.position);
        this.position++;
        if (this.text[this.position] !== '"') break;
        // The second of two quotes is the quote itself.
        start = this.position;
        this.position++;
      } else if (character === '\n' || character === '\r') {
        this.skipLineBreak();
      } else {
        this.position++;
      }
    }
    if (!this.atFieldEnd()) this.refuse('something after the closing quote of a field');
    return value;
  }

  private atFieldEnd(): boolean {
    const character = this.text[this.position];
    return character === undefined || character === this.delimiter || character === '\n' || character === '\r';
  }

  private skipLineBreak(): void {
    if (this.text[this.position] === '\r') this.position += this.text[this.position + 1] === '\n' ? 2 : 1;
    else if (this.text[this.position] === '\n') this.position++;
    else return;
    this.line++;
    this.lineStart = this.position;
  }

  private column(): number {
    return this.position - this.lineStart + 1;
  }

  private refuse(reason: string): never {
    throw new FormatError(`csv: line ${this.line}, column ${this.column()}: ${reason}`);
  }
}

const NUMBER = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;

/**
 * Columns of a table as numbers: decimals with or without exponent, `nan`, `inf`; blanks around them do not matter.
 *
 * @throws FormatError naming line and column of the first field that is no number, or is empty where `missing` is not given.
 * @throws ArgumentError if a column does not exist, or its name exists twice.
 * @example
 * const { data, shape } = csvNumbers(parseCsv('x,y\n1,2\n3,4\n'), { columns: ['y'] });   // [2, 4] of shape [2, 1]
 */
export function csvNumbers(table: CsvTable, options: CsvNumberOptions = {}): CsvNumbers {
  const width = table.columns?.length ?? table.rows[0]?.length ?? 0;
  const indices = (options.columns ?? Array.from({ length: width }, (_, index) => index)).map((column) =>
    columnIndex(table, column, width),
  );
  const names = indices.map((index) => table.columns?.[index] ?? String(index));
  const data = new Float64Array(table.rows.length * indices.length);
  let position = 0;
  table.rows.forEach((row, rowIndex) => {
    for (const index of indices) {
      data[position++] = numberOf(row[index]!, options.missing, () => {
        const name = table.columns === null ? '' : ` (${JSON.stringify(table.columns[index])})`;
        return `line ${table.lines[rowIndex]}, column ${index + 1}${name}`;
      });
    }
  });
  return { columns: names, shape: [table.rows.length, indices.length], data };
}

function columnIndex(table: CsvTable, column: string | number, width: number): number {
  if (typeof column === 'number') {
    if (Number.isInteger(column) && column >= 0 && column < width) return column;
    throw new ArgumentError(`csvNumbers: there is no column ${column}; the table has ${width}`);
  }
  const index = table.columns?.indexOf(column) ?? -1;
  if (index < 0) {
    const known = table.columns === null ? 'the columns have no names' : `there are ${table.columns.map((name) => `'${name}'`).join(', ')}`;
    throw new ArgumentError(`csvNumbers: there is no column '${column}': ${known}`);
  }
  if (table.columns!.indexOf(column, index + 1) >= 0) {
    throw new ArgumentError(`csvNumbers: two columns are named '${column}'; say which by its place`);
  }
  return index;
}

function numberOf(field: string, missing: number | undefined, place: () => string): number {
  const text = field.trim();
  if (text === '' && missing !== undefined) return missing;
  if (!NUMBER.test(text))
    throw new FormatError(`csv: ${place()}: ${text === '' ? 'an empty field' : `${JSON.stringify(field)} is not a number`}`);
  const word = text.toLowerCase().replace(/^[+-]/, '');
  if (word === 'nan') return Number.NaN;
  if (word.startsWith('inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

/**
 * The text of records, lines ended by CRLF; fields are quoted where they must be.
 *
 * @throws ArgumentError if the records are not equally long.
 * @example
 * formatCsv([['x', 'y'], [1, 'a,b']]);   // 'x,y\r\n1,"a,b"\r\n'
 */
export function formatCsv(records: readonly (readonly (string | number)[])[]): string {
  return records
    .map((record, index) => {
      if (record.length !== records[0]!.length) {
        throw new ArgumentError(
          `formatCsv: record ${index} has ${record.length} ${plural(record.length)}, but the first has ${records[0]!.length}`,
        );
      }
      const fields = record.map(formatField);
      // A lone empty field would be an empty line: readers differ on those.
      return `${fields.length === 1 && fields[0] === '' ? '""' : fields.join(',')}\r\n`;
    })
    .join('');
}

function formatField(field: string | number): string {
  const text = String(field);
  return /[",\r\n]|^\ufeff/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
