/**
 * Recurrent layers over all steps in one call, forwards and backwards: in each step one product with the hidden weight, which is packed once, and one pass over
 * the gates. All in float32. A unit says in scalar expressions what its gates do; this file, which matrices meet.
 */
import { FLOAT32 } from '../dtype/dtype.ts';
import type { Expr } from '../scalar/expr.ts';
import { advance, advanceBy, repeat } from './loops.ts';
import { type MatmulVariant, matmulFunctions, tileColumns } from './matmul.ts';
import { edgeNumbers, ProductEmitter, type Push } from './product-emitter.ts';
import { VectorEmitter } from './vector/emitter.ts';
import { fusedGates } from './vector/gates-fused.ts';
import { FunctionBuilder, i32s, type Local, newFragment } from './wasm/encoder.ts';

/**
 * An elementwise step: what is written to which of its operands, one after the other; each reads what the operands hold then. What is read again comes from
 * memory on purpose: V8 joins the operations of two vectors only where nothing else reads their results.
 */
export interface CellStep {
  readonly operands: number;
  readonly writes: readonly (readonly [operand: number, value: Expr])[];
}

/**
 * A recurrent unit of H values. Operands of its steps, each [batch, H]; what is written in parentheses is an output.
 * - `added`: the product is added to the input of the step. G gates, of which each is an operand.
 *   Forwards: (gates…), carried before, (carried), (state). Backwards: gates…, carried before, carried, gradients of state and carried from outside, gradients
 *   of the state from the step after, (of carried, from and to other steps), (of gates…).
 * - `apart`: the product, to which a bias may be added, stays by itself. Forwards: input…, product…, (kept…), state before, (state). Backwards: kept…, state
 *   before, gradient of the state from outside, (of the state, from and to other steps), (of input…), (of product…).
 * - `alone`: one gate, which is the state. Forwards: (state). Backwards: state, gradient of the state from outside, and from the step after, (of the gate).
 */
export interface RecurrentCell {
  readonly kind: 'added' | 'apart' | 'alone';
  /** Columns of the product, and of what is kept of a step, in parts of H. */
  readonly gates: number;
  readonly kept: number;
  readonly forward: CellStep;
  readonly backward: CellStep;
}

/** `(rows, size, address of the first operand, bytes from row to row, …)`; size is a multiple of 4. */
function cellFunction(name: string, { operands, writes }: CellStep, fused: boolean): FunctionBuilder {
  const f = new FunctionBuilder(name, i32s(2 + 2 * operands), [], false);
  const [rows, size] = [0, 1];
  const pointer = (operand: number): Local => 2 + 2 * operand;
  const step = (operand: number): Local => 3 + 2 * operand;
  const [left, rounds, counter] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const e = new VectorEmitter(f, FLOAT32, {
    isUniform: () => false,
    load: (index, part) => f.get(pointer(index)).load('v128.load', 16 * part, 2),
    loadMask: () => false,
    param: () => {},
    rules: fused ? fusedGates : undefined,
  });
  const all = Array.from({ length: operands }, (_, i) => i);
  const round = (vectors: number): void => {
    for (const [operand, value] of writes) {
      e.nextVectors(vectors);
      const made = e.value(value);
      made.forEach(
        (vector, part) =>
          void f
            .get(pointer(operand))
            .get(vector)
            .store('v128.store', 16 * part, 2),
      );
      e.forget();
    }
    for (const operand of all) advanceBy(f, pointer(operand), 16 * vectors);
  };
  const inner = newFragment();
  f.into(inner, () => {
    for (const operand of all) f.get(step(operand)).get(size).i32(2).op('i32.shl').op('i32.sub').set(step(operand));
    repeat(f, left, rows, () => {
      f.get(size).i32(3).op('i32.shr_u').set(rounds);
      repeat(f, counter, rounds, () => round(2));
      f.get(size).i32(4).op('i32.and');
      f.if(() => round(1));
      for (const operand of all) advance(f, pointer(operand), step(operand));
    });
  });
  return f.append(e.launchCode).append(inner);
}

const FORWARD = [
  'steps',
  'rows',
  'size',
  'scratch',
  'weight',
  'weightRow',
  'weightColumn',
  'input',
  'inputStep',
  // 1, or the address of a bias.
  'origin',
  'state',
  'stateRow',
  'carried',
  'carriedRow',
  'states',
  'carriedAll',
  'statesStep',
  'kept',
  'keptStep',
] as const;

/** A list of operands as arguments: addresses of columns, and bytes from row to row. */
class Operands {
  readonly list: Push[] = [];
  readonly #e: ProductEmitter<never>;
  readonly #size: Local;

  constructor(e: ProductEmitter<never>, size: Local) {
    this.#e = e;
    this.#size = size;
  }

  /** Parts of H columns from `first` on. */
  add(base: Push, row: Push, count = 1): this {
    for (let k = 0; k < count; k++) this.list.push(k === 0 ? base : this.#e.at(base, this.#size, this.#e.constant(4 * k)), row);
    return this;
  }
}

/** `forward(…FORWARD)`. Rows of what is written, and of the input, lie one behind the other, but for other rows of the batch between the steps. */
function forwardFunction(cell: RecurrentCell, variant: MatmulVariant, product: readonly FunctionBuilder[]): FunctionBuilder {
  const e = new ProductEmitter('forward', variant, product, FORWARD);
  const { f } = e;
  const [rows, size, input, states, kept, all] = [e.p('rows'), e.p('size'), e.p('input'), e.p('states'), e.p('kept'), e.p('carriedAll')];
  const [state, stateRow, carried, carriedRow] = [e.p('state'), e.p('stateRow'), e.p('carried'), e.p('carriedRow')];
  const [width, widthRow, keptRow, row, left] = [e.local(), e.local(), e.local(), e.local(), e.local()];
  e.set(width, e.times(size, e.constant(cell.gates)));
  e.set(widthRow, e.times(width, e.constant(4)));
  e.set(row, e.times(size, e.constant(4)));
  e.set(keptRow, e.times(row, e.constant(cell.kept)));
  const packed = e.room(e.whole(width), size);
  e.pack(packed, e.p('weight'), width, size, e.p('weightRow'), e.p('weightColumn'));
  const [target, targetRow] =
    cell.kind === 'added' ? [kept, keptRow] : cell.kind === 'alone' ? [states, row] : [e.room(rows, width), widthRow];
  const step = cellFunction('cell', cell.forward, variant.fused);
  repeat(f, left, e.p('steps'), () => {
    if (cell.kind !== 'apart') f.get(target).get(input).get(rows).get(widthRow).op('i32.mul').memoryCopy();
    const fresh = cell.kind === 'apart' ? e.p('origin') : e.constant(0);
    e.multiply([rows, width, size], [state, stateRow, e.constant(4)], [packed, size], [target, targetRow], fresh);
    const operands = new Operands(e as ProductEmitter<never>, size);
    if (cell.kind === 'apart') operands.add(input, widthRow, cell.gates).add(target, widthRow, cell.gates);
    if (cell.kind !== 'alone') operands.add(kept, keptRow, cell.kept);
    if (cell.kind === 'added') operands.add(carried, carriedRow).add(all, row);
    if (cell.kind === 'apart') operands.add(state, stateRow);
    e.call(step, rows, size, ...operands.add(states, row).list);
    f.get(states).set(state).get(row).set(stateRow);
    f.get(all).set(carried).get(row).set(carriedRow);
    for (const pointer of [states, all]) advance(f, pointer, e.p('statesStep'));
    advance(f, kept, e.p('keptStep'));
    advance(f, input, e.p('inputStep'));
  });
  return f;
}

const BACKWARD = [
  'steps',
  'rows',
  'size',
  'scratch',
  'weight',
  'weightRow',
  'weightColumn',
  // Before the first step: the state of `apart`, what is carried of `added`.
  'first',
  'firstRow',
  'states',
  'statesStep',
  'kept',
  'keptStep',
  'ofStates',
  'ofStatesStep',
  'ofStatesRow',
  'ofCarried',
  'ofCarriedStep',
  'ofCarriedRow',
  // 1 where the gradient of the first state is wanted, which takes one more product.
  'complete',
  'later',
  'laterCarried',
  'ofInput',
  'ofProduct',
  'gatesStep',
] as const;

/**
 * `backward(…BACKWARD)`, from the last step to the first, with steps accordingly. `states`: the states, or of `added` what is carried. `later` and
 * `laterCarried`: the gradients of the first states, in the end, if the call is to be `complete`.
 */
function backwardFunction(cell: RecurrentCell, variant: MatmulVariant, product: readonly FunctionBuilder[]): FunctionBuilder {
  const e = new ProductEmitter('backward', variant, product, BACKWARD);
  const { f } = e;
  const [rows, size, states, kept] = [e.p('rows'), e.p('size'), e.p('states'), e.p('kept')];
  const [ofStates, ofCarried, later, ofInput, ofProduct] = [
    e.p('ofStates'),
    e.p('ofCarried'),
    e.p('later'),
    e.p('ofInput'),
    e.p('ofProduct'),
  ];
  const [width, widthRow, keptRow, row, left] = [e.local(), e.local(), e.local(), e.local(), e.local()];
  const [before, beforeRow] = [e.local(), e.local()];
  e.set(width, e.times(size, e.constant(cell.gates)));
  e.set(widthRow, e.times(width, e.constant(4)));
  e.set(row, e.times(size, e.constant(4)));
  e.set(keptRow, e.times(row, e.constant(cell.kept)));
  const packed = e.room(e.whole(size), width);
  e.pack(packed, e.p('weight'), size, width, e.p('weightColumn'), e.p('weightRow'));
  const step = cellFunction('cellBackward', cell.backward, variant.fused);
  const flows = cell.kind === 'added' ? [later, e.p('laterCarried')] : [later];
  for (const flow of flows) f.get(flow).i32(0).get(rows).get(row).op('i32.mul').memoryFill();
  repeat(f, left, e.p('steps'), () => {
    f.get(e.p('first')).get(states).get(e.p('statesStep')).op('i32.add').get(left).i32(1).op('i32.eq').op('select').set(before);
    f.get(e.p('firstRow')).get(row).get(left).i32(1).op('i32.eq').op('select').set(beforeRow);
    const operands = new Operands(e as ProductEmitter<never>, size);
    if (cell.kind !== 'alone') operands.add(kept, keptRow, cell.kept).add(before, beforeRow);
    if (cell.kind !== 'apart') operands.add(states, row);
    operands.add(ofStates, e.p('ofStatesRow'));
    if (cell.kind === 'added') operands.add(ofCarried, e.p('ofCarriedRow'));
    for (const flow of flows) operands.add(flow, row);
    operands.add(ofInput, widthRow, cell.gates);
    if (cell.kind === 'apart') operands.add(ofProduct, widthRow, cell.gates);
    e.call(step, rows, size, ...operands.list);
    const gradient = cell.kind === 'apart' ? ofProduct : ofInput;
    const fresh = e.constant(cell.kind === 'apart' ? 0 : 1);
    f.get(left).i32(1).op('i32.ne').get(e.p('complete')).op('i32.or');
    f.if(() => e.multiply([rows, size, width], [gradient, widthRow, e.constant(4)], [packed, width], [later, row], fresh));
    advance(f, states, e.p('statesStep'));
    advance(f, kept, e.p('keptStep'));
    advance(f, ofStates, e.p('ofStatesStep'));
    advance(f, ofCarried, e.p('ofCarriedStep'));
    for (const pointer of [ofInput, ofProduct]) advance(f, pointer, e.p('gatesStep'));
  });
  return f;
}

/** Numbers that the scratch memory of a call has room for, in either direction. */
export function recurrentScratch({ gates }: RecurrentCell, variant: MatmulVariant, rows: number, size: number): number {
  const tile = tileColumns(variant);
  const whole = (x: number): number => Math.ceil(x / tile) * tile;
  return edgeNumbers(variant) + Math.max(whole(size * gates) * size, whole(size) * size * gates) + rows * size * gates;
}

/** The functions `forward` and `backward` of a unit. */
export function recurrentFunctions(cell: RecurrentCell, variant: MatmulVariant): FunctionBuilder[] {
  const product = matmulFunctions(variant);
  return [forwardFunction(cell, variant, product), backwardFunction(cell, variant, product)];
}
