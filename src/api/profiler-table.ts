import type { EventAverage } from './profiler-events.ts';

/** Which columns a table has besides names, calls and times. */
export interface TableColumns {
  readonly memory: boolean;
  readonly shapes: boolean;
}

const NAME_WIDTH = 48;

/** `1234.5` microseconds -> `1.235 ms`. */
export function formatTime(microseconds: number): string {
  if (microseconds >= 1e6) return `${(microseconds / 1e6).toFixed(3)} s`;
  if (microseconds >= 1e3) return `${(microseconds / 1e3).toFixed(3)} ms`;
  return `${microseconds.toFixed(3)} us`;
}

/** `4096` -> `4.00 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB'];
  if (bytes < 1024) return `${bytes} B`;
  let power = -1;
  while (bytes >= 1024 && power < units.length - 1) {
    bytes /= 1024;
    power += 1;
  }
  return `${bytes.toFixed(2)} ${units[power]}`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0.0 %' : `${((100 * part) / whole).toFixed(1)} %`;
}

function shorten(name: string): string {
  return name.length <= NAME_WIDTH ? name : `${name.slice(0, NAME_WIDTH - 1)}…`;
}

function rowOf(average: EventAverage, selfTotal: number, columns: TableColumns): string[] {
  const row = [
    shorten(average.name),
    average.inBackward ? 'backward' : 'forward',
    String(average.count),
    formatTime(average.self),
    percent(average.self, selfTotal),
    formatTime(average.total),
    formatTime(average.average),
  ];
  if (columns.memory) row.push(formatBytes(average.bytes), formatBytes(average.selfBytes), formatBytes(average.peakBytes));
  if (columns.shapes) row.push(JSON.stringify(average.inputShapes ?? []));
  return row;
}

/** The averages as text: names to the left, numbers to the right, a line above and below. */
export function tableOf(averages: readonly EventAverage[], selfTotal: number, columns: TableColumns, footer: readonly string[]): string {
  const head = ['name', 'pass', 'calls', 'self', 'self %', 'total', 'total/call'];
  if (columns.memory) head.push('bytes', 'self bytes', 'peak');
  if (columns.shapes) head.push('input shapes');
  const rows = [head, ...averages.map((average) => rowOf(average, selfTotal, columns))];
  const widths = head.map((_, k) => Math.max(...rows.map((row) => (row[k] as string).length)));
  const lines = rows.map((row) =>
    row
      .map((cell, k) => (k < 2 ? cell.padEnd(widths[k] as number) : cell.padStart(widths[k] as number)))
      .join('  ')
      .trimEnd(),
  );
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [lines[0], rule, ...lines.slice(1), rule, ...footer].join('\n');
}
