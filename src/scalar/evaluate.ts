/** Evaluation of scalar expressions in JavaScript: the oracle of the kernels' tests. */
import type { DTypeInfo } from '../dtype/dtype.ts';
import { type Expr, forEachNode } from './core.ts';
import { INTEGER_FUNCTIONS } from './integers.ts';

const NOT_BOUND = Number.NaN;

/** Rounds to the type that a kernel computes in: float32 for the half types, which only storage holds. */
function rounding(compute: DTypeInfo): (x: number) => number {
  return compute.name === 'float64' || compute.name === 'complex128' ? (x) => x : Math.fround;
}

const bits = new DataView(new ArrayBuffer(4));

function nextafterInFloat32(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
  if (a === b) return b;
  if (a === 0) return b > 0 ? 2 ** -149 : -(2 ** -149);
  bits.setFloat32(0, a);
  bits.setInt32(0, bits.getInt32(0) + (b > a === a > 0 ? 1 : -1));
  return bits.getFloat32(0);
}

function evaluateFloat(e: Expr, args: readonly number[], params: readonly number[], compute: DTypeInfo): number {
  const round = rounding(compute);
  const values = new Map<Expr, number>();
  forEachNode(e, (node) => {
    let value: number;
    if (node.op === 'const') value = round(node.value);
    else if (node.op === 'arg') value = round(args[node.index] ?? NOT_BOUND);
    else if (node.op === 'param') value = round(params[node.index] ?? NOT_BOUND);
    else if (node.op === 'out') value = NOT_BOUND;
    else {
      const evaluateNode = node.op.perType && round === Math.fround ? nextafterInFloat32 : node.op.evaluate;
      value = round(evaluateNode(...node.args.map((a) => values.get(a) ?? NOT_BOUND)));
    }
    values.set(node, value);
  });
  return values.get(e) ?? NOT_BOUND;
}

/** Converts a number to an integer as casts do: toward zero, saturated to int64, or int32 for narrower types; NaN becomes 0. */
function toInteger(x: number, type: DTypeInfo): bigint {
  if (type.kind === 'bool') return x !== 0 ? 1n : 0n;
  const limit = type.itemsize <= 4 ? 2 ** 31 : 2 ** 63;
  if (Number.isNaN(x)) return 0n;
  if (x >= limit) return BigInt(limit) - 1n;
  return x < -limit ? -BigInt(limit) : BigInt(Math.trunc(x));
}

/** Wraps an integer to the range of an integer dtype; bool holds whether it is not 0. */
export function wrapInteger(x: bigint, type: DTypeInfo): bigint {
  if (type.kind === 'bool') return x === 0n ? 0n : 1n;
  const bits = type.itemsize * 8;
  return type.isSigned ? BigInt.asIntN(bits, x) : BigInt.asUintN(bits, x);
}

/** Evaluates in an integer dtype or bool: exact, wrapped after each operation. */
export function evaluateInteger(e: Expr, args: readonly bigint[], params: readonly number[], compute: DTypeInfo): bigint {
  const values = new Map<Expr, bigint>();
  forEachNode(e, (node) => {
    let value = 0n;
    if (node.op === 'const') value = toInteger(node.value, compute);
    else if (node.op === 'arg') value = args[node.index] ?? 0n;
    else if (node.op === 'param') value = toInteger(params[node.index] ?? 0, compute);
    else if (typeof node.op !== 'string') {
      const operands = node.args.map((a) => values.get(a) ?? 0n);
      const exact = INTEGER_FUNCTIONS[node.op.name];
      if (compute.kind === 'bool' && node.op.name === 'bitNot') value = operands[0] === 0n ? 1n : 0n;
      else if (exact !== undefined) value = exact(...(operands as [bigint, bigint, bigint]));
      else value = toInteger(node.op.evaluate(...operands.map(Number)), compute);
    }
    values.set(node, wrapInteger(value, compute));
  });
  return values.get(e) ?? 0n;
}

/**
 * The value of an expression for one element, in the dtype `compute` (float types round after each operation, integer types wrap).
 * Operands are numbers already converted to `compute`. For int64 beyond 2^53 use `evaluateInteger`.
 *
 * @example
 * evaluate(mul(arg(0), param(0)), [3], [0.5], dtypeInfo('float32')); // 1.5
 */
export function evaluate(e: Expr, args: readonly number[], params: readonly number[], compute: DTypeInfo): number {
  if (compute.kind === 'float') return evaluateFloat(e, args, params, compute);
  return Number(
    evaluateInteger(
      e,
      args.map((a) => toInteger(a, compute)),
      params,
      compute,
    ),
  );
}
