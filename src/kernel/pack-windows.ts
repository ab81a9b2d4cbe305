import { COMPUTE_BYTES, type ComputeType, LANES } from './element.ts';
import { advanceBy, repeat, whileLoop } from './loops.ts';
import { transposed } from './matmul.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/**
 * Matrices made of windows, packed into the panels of a matrix product without ever being written out: the element of row i and column j lies at
 * `along[i] + across[j]`, both tables of bytes (Chellapilla, Puri, Simard, "High performance convolutional neural networks for document processing", 2006, without
 * the copy that it makes).
 *
 * `(target, source, across, count, along, k)`: packs k rows of `count` columns into panels of `width`. An entry of a table is two i32: the bytes, and how many entries from
 * it on are those of elements that lie in one piece. The table of columns goes on to a whole panel.
 */
export type Runs = 'across' | 'along';

interface PackLocals {
  readonly target: Local;
  readonly source: Local;
  readonly across: Local;
  readonly along: Local;
  readonly k: Local;
}

/** Bytes of an entry of a table. */
export const ENTRY_BYTES = 8;

/** Pushes whether the entries of a table, from where `at` points, are those of elements that lie in one piece. */
export function pushIsRun(f: FunctionBuilder, at: Local, length: number): void {
  f.get(at).load('i32.load', 4).i32(length).op('i32.ge_u');
}

/** The name `packAcross` or `packAlong`: which of the tables has the elements that lie in one piece. */
export function packWindowsFunction(compute: ComputeType, width: number, runs: Runs): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const f = new FunctionBuilder(runs === 'across' ? 'packAcross' : 'packAlong', i32s(6));
  const [target, source, across, count, along, k] = [0, 1, 2, 3, 4, 5];
  const at: PackLocals = { target, source, across, along, k };
  const packPanel = runs === 'across' ? panelAcross(f, compute, width, at) : panelAlong(f, compute, width, at);
  whileLoop(
    f,
    () => f.get(count).i32(0).op('i32.gt_s'),
    () => {
      packPanel();
      f.get(target)
        .get(k)
        .i32(width * bytes)
        .op('i32.mul')
        .op('i32.add')
        .set(target);
      advanceBy(f, across, ENTRY_BYTES * width);
      advanceBy(f, count, -width);
    },
  );
  return f;
}

/** A panel, row after row: whole rows where they lie in one piece, else vectors, else elements. */
function panelAcross(f: FunctionBuilder, compute: ComputeType, width: number, at: PackLocals): () => void {
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const align = Math.log2(bytes);
  const local = (): Local => f.local('i32');
  const [counter, base, row, to, from, groups, group, place] = [local(), local(), local(), local(), local(), local(), local(), local()];
  const bases = Array.from({ length: lanes }, local);
  /** Copies a vector or an element of each row. */
  const eachRow = (copy: () => void): void => {
    f.get(place).set(to).get(at.along).set(row);
    repeat(f, counter, at.k, () => {
      copy();
      advanceBy(f, row, ENTRY_BYTES);
      advanceBy(f, to, width * bytes);
    });
  };
  const wholeRows = (): void => {
    f.get(at.source).get(at.across).load('i32.load').op('i32.add').set(base).get(at.target).set(place);
    eachRow(() => {
      f.get(base).get(row).load('i32.load').op('i32.add').set(from);
      for (let offset = 0; offset < width * bytes; offset += 16)
        f.get(to).get(from).load('v128.load', offset, align).store('v128.store', offset, align);
    });
  };
  const byGroups = (): void => {
    f.get(at.across)
      .set(group)
      .get(at.target)
      .set(place)
      .i32(width / lanes)
      .set(groups);
    f.loop((next) => {
      bases.forEach((each, i) => {
        f.get(at.source)
          .get(group)
          .load('i32.load', ENTRY_BYTES * i)
          .op('i32.add')
          .set(each);
      });
      pushIsRun(f, group, lanes);
      f.if(
        () =>
          eachRow(() =>
            f.get(to).get(bases[0]!).get(row).load('i32.load').op('i32.add').load('v128.load', 0, align).store('v128.store', 0, align),
          ),
        () =>
          eachRow(() => {
            f.get(row).load('i32.load').set(from);
            bases.forEach((each, i) => {
              f.get(to)
                .get(each)
                .get(from)
                .op('i32.add')
                .load(`${compute}.load`)
                .store(`${compute}.store`, i * bytes);
            });
          }),
      );
      advanceBy(f, group, ENTRY_BYTES * lanes);
      advanceBy(f, place, 16);
      f.get(groups).i32(1).op('i32.sub').tee(groups).brIf(next);
    });
  };
  return () => {
    pushIsRun(f, at.across, width);
    f.if(wholeRows, byGroups);
  };
}

/** A panel in squares of vectors, where the elements of a column lie in one piece, else element by element. */
function panelAlong(f: FunctionBuilder, compute: ComputeType, width: number, at: PackLocals): () => void {
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const align = Math.log2(bytes);
  const local = (): Local => f.local('i32');
  const [left, row, to, base, column, counter, taken] = [local(), local(), local(), local(), local(), local(), local()];
  const rows = Array.from({ length: lanes }, () => f.local('v128'));
  const scratch = Array.from({ length: lanes }, () => f.local('v128'));
  const square = (): void => {
    f.get(at.source).get(row).load('i32.load').op('i32.add').set(base);
    for (let x = 0; x < width; x += lanes) {
      rows.forEach((vector, i) => {
        f.get(base)
          .get(at.across)
          .load('i32.load', ENTRY_BYTES * (x + i))
          .op('i32.add')
          .load('v128.load', 0, align)
          .set(vector);
      });
      transposed(f, rows, scratch, (i, push) => {
        f.get(to);
        push();
        f.store('v128.store', (i * width + x) * bytes, align);
      });
    }
    advanceBy(f, to, lanes * width * bytes);
    advanceBy(f, row, ENTRY_BYTES * lanes);
    advanceBy(f, left, -lanes);
  };
  const oneRow = (): void => {
    f.get(at.source).get(row).load('i32.load').op('i32.add').set(base).get(at.across).set(column).i32(width).set(taken);
    repeat(f, counter, taken, () => {
      f.get(to).get(base).get(column).load('i32.load').op('i32.add').load(`${compute}.load`).store(`${compute}.store`);
      advanceBy(f, to, bytes);
      advanceBy(f, column, ENTRY_BYTES);
    });
    advanceBy(f, row, ENTRY_BYTES);
    advanceBy(f, left, -1);
  };
  return () => {
    f.get(at.target).set(to).get(at.along).set(row).get(at.k).set(left);
    whileLoop(
      f,
      () => f.get(left),
      () => {
        f.get(left).i32(lanes).op('i32.ge_u');
        f.if(() => {
          pushIsRun(f, row, lanes);
          f.if(square, oneRow);
        }, oneRow);
      },
    );
  };
}
