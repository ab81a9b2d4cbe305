/**
 * Attention of one head after the other, forwards and backwards, on blocks of queries and keys: only one block of scores is ever in memory (Dao et al.,
 * "FlashAttention: fast and memory-efficient exact attention with IO-awareness", 2022). The products run on the tiles of the matrix product. All in float32.
 */
import {
  clearFunction,
  finishFunction,
  maskFunction,
  ROW_BYTES,
  rowProductsFunction,
  spreadFunction,
  weighFunction,
} from './attention-rows.ts';
import { advance, advanceBy, whileLoop } from './loops.ts';
import { type MatmulVariant, matmulFunctions, tileColumns } from './matmul.ts';
import { edgeNumbers, ProductEmitter, type Push } from './product-emitter.ts';
import type { FunctionBuilder, Local } from './wasm/encoder.ts';

/** Words of a table entry, for each head: the addresses of its operands and results, and of its mask. */
export const FORWARD_WORDS = 6;
export const BACKWARD_WORDS = 10;

/** The parameters that both directions begin with. Strides are in bytes: of rows and of columns. */
const COMMON = [
  'table',
  'heads',
  'queries',
  'keys',
  'width',
  'valueWidth',
  'causal',
  'blockRows',
  'blockColumns',
  'scratch',
  'queryRow',
  'queryColumn',
  'keyRow',
  'keyColumn',
  'valueRow',
  'valueColumn',
  'outRow',
  'maskKind',
  'maskRow',
  'maskColumn',
] as const;
const MORE = ['gradientRow', 'queryGradientRow', 'keyGradientRow', 'valueGradientRow'] as const;
type Parameter = (typeof COMMON)[number] | (typeof MORE)[number];

/** The pieces that both directions are made of. */
class Emitter extends ProductEmitter<Parameter> {
  readonly scores: Local;
  /** Bytes of a row of scores. */
  readonly stride: Local;
  /** Factor of scores that are powers of two, and of scores. */
  readonly scale: Local;
  readonly gradientScale: Local;
  readonly clear: FunctionBuilder = clearFunction();
  readonly #mask: FunctionBuilder = maskFunction();

  constructor(name: string, variant: MatmulVariant, product: readonly FunctionBuilder[], names: readonly Parameter[]) {
    super(name, variant, product, names, ['f32', 'f32']);
    this.scale = names.length;
    this.gradientScale = names.length + 1;
    this.stride = this.local();
    this.set(this.stride, this.times(this.p('blockColumns'), this.constant(4)));
    this.scores = this.block();
  }

  /** Room for a block of scores. */
  block(): Local {
    return this.room(this.p('blockRows'), this.p('blockColumns'));
  }

  /** Goes over heads, whose words are loaded into `words`. */
  eachHead(words: readonly Local[], body: () => void): void {
    const { f } = this;
    const [table, heads] = [this.p('table'), this.p('heads')];
    whileLoop(
      f,
      () => f.get(heads),
      () => {
        for (const [i, word] of words.entries())
          f.get(table)
            .load('i32.load', 4 * i)
            .set(word);
        body();
        advanceBy(f, table, 4 * words.length);
        advanceBy(f, heads, -1);
      },
    );
  }

  /** Applies the mask of a head, if there is one, to a block of scores. */
  applyMask(mask: Local, row: Local, column: Local, rows: Local, columns: Local): void {
    const kind = this.p('maskKind');
    const [byRow, byColumn] = [this.p('maskRow'), this.p('maskColumn')];
    this.f.get(kind).if(() => {
      const from = this.at(this.at(mask, row, byRow), column, byColumn);
      this.call(this.#mask, rows, columns, this.scores, this.stride, from, byRow, byColumn, kind, this.gradientScale);
    });
  }

  /** Goes over `total` in blocks. */
  eachBlock(start: Local, size: Local, total: Push, step: Local, body: () => void): void {
    const { f } = this;
    f.i32(0).set(start);
    whileLoop(
      f,
      () => {
        f.get(start);
        this.push(total);
        f.op('i32.lt_s');
      },
      () => {
        this.set(
          size,
          this.least(step, () => {
            this.push(total);
            f.get(start).op('i32.sub');
          }),
        );
        body();
        advance(f, start, step);
      },
    );
  }

  /** Does something if a head's keys and values are not those of the head before: grouped heads share what is packed. */
  ifNew(keys: Local, values: Local, body: () => void): void {
    const { f } = this;
    const [lastKeys, lastValues] = [this.local(), this.local()];
    f.get(keys).get(lastKeys).op('i32.ne').get(values).get(lastValues).op('i32.ne').op('i32.or');
    f.if(() => {
      body();
      f.get(keys).set(lastKeys).get(values).set(lastValues);
    });
  }

  /** The keys that a block of queries sees at all, and those that make up whole tiles with them. */
  seen(row: Local, rows: Local): () => void {
    const keys = this.p('keys');
    return () => {
      this.push(this.least(this.whole(this.plus(row, rows)), keys));
      this.f.get(keys).get(this.p('causal')).op('select');
    };
  }

  /** How many keys of a block the first of a block of queries sees. */
  limit(row: Local, column: Local, columns: Local): () => void {
    return () => {
      this.f.get(row).get(column).op('i32.sub').i32(1).op('i32.add').get(columns).get(this.p('causal')).op('select');
    };
  }
}

/**
 * `attend(…COMMON, scale, maskScale)`. For each head the table has the addresses of query, key, value, out, of what is to be known of the rows: two numbers each, the
 * greatest score and one over the sum of the weights, and of the mask (`maskKind`: see attention-rows.ts; 0: none). `blockColumns` is whole tiles; `scratch` has room for an edge tile, a block of scores and
 * the packed keys and values.
 */
function attendFunction(variant: MatmulVariant, product: readonly FunctionBuilder[]): FunctionBuilder {
  const e = new Emitter('attend', variant, product, COMMON);
  const { f } = e;
  const [width, valueWidth, keys] = [e.p('width'), e.p('valueWidth'), e.p('keys')];
  const [weigh, finish] = [weighFunction(variant.fused), finishFunction()];
  const [q, k, v, out, known, mask] = [e.local(), e.local(), e.local(), e.local(), e.local(), e.local()];
  const [row, rows, column, columns, depth] = [e.local(), e.local(), e.local(), e.local(), e.local()];
  const [query, result, about, values] = [e.local(), e.local(), e.local(), e.local()];
  const packedKeys = e.room(e.whole(keys), width);
  const packedValues = e.room(keys, e.whole(valueWidth));
  const valueBytes = e.times(e.whole(valueWidth), e.constant(4));
  e.eachHead([q, k, v, out, known, mask], () => {
    e.ifNew(k, v, () => {
      e.pack(packedKeys, k, keys, width, e.p('keyRow'), e.p('keyColumn'));
      e.eachBlock(column, columns, keys, e.p('blockColumns'), () => {
        const from = e.at(v, column, e.p('valueRow'));
        e.pack(e.at(packedValues, column, valueBytes), from, valueWidth, columns, e.p('valueColumn'), e.p('valueRow'));
      });
    });
    e.eachBlock(row, rows, e.p('queries'), e.p('blockRows'), () => {
      e.set(query, e.at(q, row, e.p('queryRow')));
      e.set(result, e.at(out, row, e.p('outRow')));
      e.set(about, e.at(known, row, e.constant(ROW_BYTES)));
      e.eachBlock(column, columns, e.seen(row, rows), e.p('blockColumns'), () => {
        const right = e.at(packedKeys, column, e.times(width, e.constant(4)));
        e.multiply(
          [rows, columns, width],
          [query, e.p('queryRow'), e.p('queryColumn')],
          [right, width],
          [e.scores, e.stride],
          e.constant(1),
        );
        e.applyMask(mask, row, column, rows, columns);
        const limit = e.limit(row, column, columns);
        const first = (): void => void f.get(column).op('i32.eqz');
        e.call(
          weigh,
          ...[rows, columns, e.scores, e.stride, limit, e.p('causal'), about, result, e.p('outRow'), valueWidth, first, e.scale],
        );
        e.set(
          depth,
          e.least(e.p('blockColumns'), () => f.get(keys).get(column).op('i32.sub')),
        );
        e.set(values, e.at(packedValues, column, valueBytes));
        e.multiply([rows, valueWidth, columns], [e.scores, e.stride, e.constant(4)], [values, depth], [result, e.p('outRow')], first);
      });
      e.call(finish, rows, valueWidth, result, e.p('outRow'), about, e.p('maskKind'));
    });
  });
  return f;
}

/**
 * `attendBackward(…COMMON, …MORE, scale, gradientScale)`. For each head the table has the addresses of query, key, value, out, what is known of the rows, the gradient of out,
 * the gradients of query, key and value, and the mask.
 */
function attendBackwardFunction(variant: MatmulVariant, product: readonly FunctionBuilder[]): FunctionBuilder {
  const e = new Emitter('attendBackward', variant, product, [...COMMON, ...MORE]);
  const { f } = e;
  const [width, valueWidth, keys, blockRows] = [e.p('width'), e.p('valueWidth'), e.p('keys'), e.p('blockRows')];
  const [rowProducts, spread] = [rowProductsFunction(), spreadFunction(variant.fused)];
  const words = Array.from({ length: BACKWARD_WORDS }, () => e.local());
  const [q, k, v, out, known, g, ofQuery, ofKey, ofValue, mask] = words as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const [row, rows, column, columns, depth] = [e.local(), e.local(), e.local(), e.local(), e.local()];
  const [query, gradient, about] = [e.local(), e.local(), e.local()];
  const four = e.constant(4);
  const widthBytes = e.times(width, four);
  const ofScores = e.block();
  const products = e.room(blockRows, e.constant(1));
  const packedKeys = e.room(e.whole(keys), width);
  const packedValues = e.room(e.whole(keys), valueWidth);
  const keyRows = e.room(keys, e.whole(width));
  const queryRows = e.room(blockRows, e.whole(width));
  const gradientRows = e.room(blockRows, e.whole(valueWidth));
  const keyRowBytes = e.times(e.whole(width), four);
  e.eachHead(words, () => {
    e.ifNew(k, v, () => {
      e.call(e.clear, keys, width, ofKey, e.p('keyGradientRow'));
      e.call(e.clear, keys, valueWidth, ofValue, e.p('valueGradientRow'));
      e.pack(packedKeys, k, keys, width, e.p('keyRow'), e.p('keyColumn'));
      e.pack(packedValues, v, keys, valueWidth, e.p('valueRow'), e.p('valueColumn'));
      e.eachBlock(column, columns, keys, e.p('blockColumns'), () => {
        const from = e.at(k, column, e.p('keyRow'));
        e.pack(e.at(keyRows, column, keyRowBytes), from, width, columns, e.p('keyColumn'), e.p('keyRow'));
      });
    });
    e.eachBlock(row, rows, e.p('queries'), blockRows, () => {
      e.set(query, e.at(q, row, e.p('queryRow')));
      e.set(gradient, e.at(g, row, e.p('gradientRow')));
      e.set(about, e.at(known, row, e.constant(ROW_BYTES)));
      const toQuery = e.at(ofQuery, row, e.p('queryGradientRow'));
      e.pack(queryRows, query, width, rows, e.p('queryColumn'), e.p('queryRow'));
      e.pack(gradientRows, gradient, valueWidth, rows, four, e.p('gradientRow'));
      const result = e.at(out, row, e.p('outRow'));
      e.call(rowProducts, rows, valueWidth, gradient, e.p('gradientRow'), result, e.p('outRow'), products);
      const first = (): void => void f.get(column).op('i32.eqz');
      e.eachBlock(column, columns, e.seen(row, rows), e.p('blockColumns'), () => {
        const rightKeys = e.at(packedKeys, column, widthBytes);
        const rightValues = e.at(packedValues, column, e.times(valueWidth, four));
        e.multiply(
          [rows, columns, width],
          [query, e.p('queryRow'), e.p('queryColumn')],
          [rightKeys, width],
          [e.scores, e.stride],
          e.constant(1),
        );
        e.applyMask(mask, row, column, rows, columns);
        e.multiply(
          [rows, columns, valueWidth],
          [gradient, e.p('gradientRow'), four],
          [rightValues, valueWidth],
          [ofScores, e.stride],
          e.constant(1),
        );
        const limit = e.limit(row, column, columns);
        e.call(spread, ...[rows, columns, e.scores, ofScores, e.stride, limit, e.p('causal'), about, products, e.scale, e.gradientScale]);
        e.set(
          depth,
          e.least(e.p('blockColumns'), () => f.get(keys).get(column).op('i32.sub')),
        );
        const turned = [four, e.stride] as const;
        const toValue = e.at(ofValue, column, e.p('valueGradientRow'));
        e.multiply([columns, valueWidth, rows], [e.scores, ...turned], [gradientRows, rows], [toValue, e.p('valueGradientRow')]);
        const toKey = e.at(ofKey, column, e.p('keyGradientRow'));
        e.multiply([columns, width, rows], [ofScores, ...turned], [queryRows, rows], [toKey, e.p('keyGradientRow')]);
        const rightRows = e.at(keyRows, column, keyRowBytes);
        e.multiply([rows, width, columns], [ofScores, e.stride, four], [rightRows, depth], [toQuery, e.p('queryGradientRow')], first);
      });
    });
  });
  return f;
}

/** Numbers that the scratch memory of a call has room for. */
export function attentionScratch(
  variant: MatmulVariant,
  [keys, width, valueWidth]: readonly [number, number, number],
  [blockRows, blockColumns]: readonly [number, number],
  backward: boolean,
): number {
  const tile = tileColumns(variant);
  const whole = (x: number): number => Math.ceil(x / tile) * tile;
  const block = blockRows * blockColumns;
  const shared = edgeNumbers(variant) + block + whole(keys) * width;
  if (!backward) return shared + keys * whole(valueWidth);
  return shared + block + blockRows + whole(keys) * valueWidth + keys * whole(width) + blockRows * (whole(width) + whole(valueWidth));
}

/** The functions `attend` and `attendBackward`. */
export function attentionFunctions(variant: MatmulVariant): FunctionBuilder[] {
  const product = matmulFunctions(variant);
  return [attendFunction(variant, product), attendBackwardFunction(variant, product)];
}
