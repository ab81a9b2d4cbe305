/** Images laid out for kernels that read windows as vectors: with zeros around, and what a stride steps over apart, so that neighbouring windows are neighbours in memory. */
import { COMPUTE_BYTES, type ComputeType, LANES } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/**
 * What `splitImage` is told, as i32s: how many channels, slices and rows are copied, and how far they lie apart in the source (bytes); how far channels and slices lie apart in the
 * place; rows go in turns to `turns` planes, `turnStep` bytes apart and each row in one `rowStep` behind the one before: the first to plane `firstTurn`, at `firstLine` bytes. Elements of a row go in
 * turns to `phases` runs: for each there follow where it begins in the place, where its first element lies in the source's row, and how many it has.
 */
export const SPLIT_FIELDS = [
  'channels',
  'slices',
  'rows',
  'channelFrom',
  'sliceFrom',
  'rowFrom',
  'channelStep',
  'sliceStep',
  'turns',
  'turnStep',
  'rowStep',
  'firstTurn',
  'firstLine',
  'phases',
] as const;

/** Where other kernels lay images out as well, a stride of more than this is left as it is. */
export const MOST_PHASES = 4;

/** Bytes of the description of a run of a row. */
export const PHASE_BYTES = 12;
const PHASES_AT = 4 * SPLIT_FIELDS.length;

/** Bytes of the description of an image. */
export function splitBytes(phases: number): number {
  return PHASES_AT + PHASE_BYTES * phases;
}

/** `splitImage(split, source, place)`: copies an image as `split` says. What lies around it stays. */
export function splitImage(compute: ComputeType): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const align = Math.log2(bytes);
  const f = new FunctionBuilder('splitImage', i32s(3), [], false);
  const [split, source, place] = [0, 1, 2];
  const field = (name: (typeof SPLIT_FIELDS)[number]): FunctionBuilder => f.get(split).load('i32.load', 4 * SPLIT_FIELDS.indexOf(name));
  const [channels, slices, rows, phases, channel, slice, row, counter, step] = f.localsOf('i32', 9);
  const [atSlice, fromSlice, fromRow, turn, begin, run, to, from, other, left, back, again] = f.localsOf('i32', 12);
  const [turns, turnStep, rowStep, rowFrom, first, last, toFirst, toLast, firstFrom] = f.localsOf('i32', 9);
  const [even, odd] = [f.local('v128'), f.local('v128')];
  const part = (at: Local, k: number): FunctionBuilder => f.get(at).load('i32.load', PHASES_AT + 4 * k);
  for (const [name, local] of [
    ['channels', channels],
    ['slices', slices],
    ['rows', rows],
    ['phases', phases],
    ['turns', turns],
    ['turnStep', turnStep],
    ['rowStep', rowStep],
    ['rowFrom', rowFrom],
  ] as const)
    field(name).set(local);
  f.get(phases).i32(bytes).op('i32.mul').set(step);
  // Of the first and the last run: elements, and where they go.
  part(split, 2).set(first);
  part(split, 0).set(toFirst);
  part(split, 1).set(firstFrom);
  f.get(split).get(phases).i32(1).op('i32.sub').i32(PHASE_BYTES).op('i32.mul').op('i32.add').set(run);
  part(run, 2).set(last);
  part(run, 0).set(toLast);

  /** All vectors of a row, the last one again with what the one before had. `copy` moves on by one vector. */
  const vectors = (count: Local, apart: number, targets: readonly Local[], copy: () => void): void => {
    f.get(count).set(left);
    whileLoop(
      f,
      () => f.get(left).i32(lanes).op('i32.gt_s'),
      () => {
        copy();
        advanceBy(f, left, -lanes);
      },
    );
    f.get(left).i32(lanes).op('i32.sub').i32(bytes).op('i32.mul').set(again);
    for (const target of targets) advance(f, target, again);
    for (let i = 0; i < apart; i++) advance(f, from, again);
    copy();
  };
  const asTheyLie = (): void => {
    f.get(begin).get(toFirst).op('i32.add').set(to);
    vectors(first, 1, [to], () => {
      f.get(to).get(from).load('v128.load', 0, align).store('v128.store', 0, align);
      advanceBy(f, to, 16);
      advanceBy(f, from, 16);
    });
  };
  const everyOther = (): void => {
    f.get(begin).get(toFirst).op('i32.add').set(to).get(begin).get(toLast).op('i32.add').set(other);
    vectors(last, 2, [to, other], () => {
      f.get(from).load('v128.load', 0, align).set(even);
      f.get(from).load('v128.load', 16, align).set(odd);
      [to, other].forEach((target, i) => {
        f.get(target).get(even).get(odd);
        if (bytes === 4) f.shuffle32(i, 2 + i, 4 + i, 6 + i);
        else f.shuffle64(i, 2 + i);
        f.store('v128.store', 0, align);
        advanceBy(f, target, 16);
      });
      advanceBy(f, from, 32);
    });
    f.get(first).get(last).op('i32.ne');
    f.if(() => f.get(to).get(from).load(`${compute}.load`).store(`${compute}.store`));
  };
  const oneByOne = (): void => {
    f.get(split).set(run);
    repeat(f, counter, phases, () => {
      part(run, 0).get(begin).op('i32.add').set(to);
      part(run, 1).get(firstFrom).op('i32.sub').get(fromRow).op('i32.add').set(from);
      part(run, 2).set(left);
      whileLoop(
        f,
        () => f.get(left),
        () => {
          f.get(to).get(from).load(`${compute}.load`).store(`${compute}.store`);
          advanceBy(f, to, bytes);
          advance(f, from, step);
          advanceBy(f, left, -1);
        },
      );
      advanceBy(f, run, PHASE_BYTES);
    });
  };
  /** From the last turn's plane back to the first's, one row on. */
  f.get(rowStep).get(turns).get(turnStep).op('i32.mul').op('i32.sub').set(back);
  const eachRow = (copyRow: () => void): void => {
    field('firstTurn').tee(turn).get(turnStep).op('i32.mul').get(atSlice).op('i32.add');
    field('firstLine').op('i32.add').set(begin);
    f.get(fromSlice).get(firstFrom).op('i32.add').set(fromRow);
    repeat(f, row, rows, () => {
      f.get(fromRow).set(from);
      copyRow();
      advance(f, fromRow, rowFrom);
      advance(f, begin, turnStep);
      advanceBy(f, turn, 1);
      f.get(turn).get(turns).op('i32.eq');
      f.if(() => {
        f.i32(0).set(turn);
        advance(f, begin, back);
      });
    });
  };
  const has = (count: number): FunctionBuilder => f.get(phases).i32(count).op('i32.eq').get(last).i32(lanes).op('i32.ge_s').op('i32.and');
  repeat(f, channel, channels, () => {
    f.get(place).set(atSlice).get(source).set(fromSlice);
    repeat(f, slice, slices, () => {
      has(1).if(
        () => eachRow(asTheyLie),
        () =>
          has(2).if(
            () => eachRow(everyOther),
            () => eachRow(oneByOne),
          ),
      );
      field('sliceStep').get(atSlice).op('i32.add').set(atSlice);
      field('sliceFrom').get(fromSlice).op('i32.add').set(fromSlice);
    });
    field('channelStep').get(place).op('i32.add').set(place);
    field('channelFrom').get(source).op('i32.add').set(source);
  });
  return f;
}
