/**
 * What intrinsics mean in exact integers; those that are not here have no meaning of their own there. The caller wraps the results. Only the oracle
 * (`evaluate.ts`) reads this: kernels compute in the integers of WebAssembly.
 */

type IntegerFunction = (a: bigint, b: bigint, c: bigint) => bigint;

const WIDEST = 64n;
const magnitude = (a: bigint): bigint => (a < 0n ? -a : a);
const same: IntegerFunction = (a) => a;
const larger: IntegerFunction = (a, b) => (a > b ? a : b);
const smaller: IntegerFunction = (a, b) => (a < b ? a : b);

function truncatedRemainder(a: bigint, b: bigint): bigint {
  return b === 0n ? 0n : a % b;
}

function flooredRemainder(a: bigint, b: bigint): bigint {
  const r = truncatedRemainder(a, b);
  return r !== 0n && r < 0n !== b < 0n ? r + b : r;
}

function gcdOf(a: bigint, b: bigint): bigint {
  let x = magnitude(a);
  let y = magnitude(b);
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function integerPower(a: bigint, b: bigint): bigint {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b % 2n === 0n ? 1n : -1n) : 0n;
  // Wrapping at each step keeps the intermediate values small, and is exact modulo every width up to 64 bits.
  let result = 1n;
  let base = a;
  for (let exponent = b; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = BigInt.asIntN(64, result * base);
    base = BigInt.asIntN(64, base * base);
  }
  return result;
}

/** By the name of the intrinsic. A zero divisor counts as 1: operators have refused it before. */
export const INTEGER_FUNCTIONS: Readonly<Record<string, IntegerFunction>> = {
  neg: (a) => -a,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / (b === 0n ? 1n : b),
  abs: magnitude,
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  floor: same,
  ceil: same,
  trunc: same,
  round: same,
  max: larger,
  min: smaller,
  fmax: larger,
  fmin: smaller,
  fmod: truncatedRemainder,
  remainder: flooredRemainder,
  floorDivide: (a, b) => (a - flooredRemainder(a, b)) / (b === 0n ? 1n : b),
  gcd: gcdOf,
  lcm: (a, b) => (a === 0n || b === 0n ? 0n : magnitude((a / gcdOf(a, b)) * b)),
  pow: integerPower,
  relu: (x) => (x > 0n ? x : 0n),
  clampMin: larger,
  clampMax: smaller,
  lt: (a, b) => BigInt(a < b),
  le: (a, b) => BigInt(a <= b),
  gt: (a, b) => BigInt(a > b),
  ge: (a, b) => BigInt(a >= b),
  eq: (a, b) => BigInt(a === b),
  ne: (a, b) => BigInt(a !== b),
  and: (a, b) => BigInt(a !== 0n && b !== 0n),
  or: (a, b) => BigInt(a !== 0n || b !== 0n),
  xor: (a, b) => BigInt((a !== 0n) !== (b !== 0n)),
  not: (a) => BigInt(a === 0n),
  isnan: () => 0n,
  isinf: () => 0n,
  isfinite: () => 1n,
  signbit: (a) => BigInt(a < 0n),
  select: (c, a, b) => (c !== 0n ? a : b),
  bitAnd: (a, b) => a & b,
  bitOr: (a, b) => a | b,
  bitXor: (a, b) => a ^ b,
  bitNot: (a) => ~a,
  shiftLeft: (a, b) => (b < 0n || b >= WIDEST ? 0n : a << b),
  shiftRight: (a, b) => a >> (b < 0n || b >= WIDEST ? WIDEST : b),
};
