/** Integer intrinsics that vectors have no instructions for, on one lane. Narrow types come as i32; what is written back is wrapped. */
import { FunctionBuilder, type Local } from '../wasm/encoder.ts';

type Scalar = 'i32' | 'i64';

/** Pushes the result for operands `a` and `b`. */
export type LaneRule = (f: FunctionBuilder, type: Scalar, a: Local, b: Local) => void;

function push(f: FunctionBuilder, type: Scalar, value: number): FunctionBuilder {
  return type === 'i32' ? f.i32(value) : f.i64(value);
}

/** A function of two integers in the kernel's module, made once for each type. */
function helper(name: string, body: (f: FunctionBuilder, type: Scalar) => void): LaneRule {
  const made = new Map<Scalar, FunctionBuilder>();
  return (f, type, a, b) => {
    let target = made.get(type);
    if (target === undefined) {
      target = new FunctionBuilder(`${name} ${type}`, [type, type], [type], false);
      body(target, type);
      made.set(type, target);
    }
    f.get(a).get(b).call(target);
  };
}

/** Truncated quotient. A divisor of 0 counts as 1; -1 negates, since the instruction traps for the least integer. */
const divide = helper('divide', (f, type) => {
  f.get(1);
  push(f, type, -1).op(`${type}.eq`);
  f.if(
    () => {
      push(f, type, 0).get(0).op(`${type}.sub`);
    },
    () => {
      f.get(0).get(1);
      push(f, type, 1).get(1).op(`${type}.eqz`);
      // select(b, 1, b != 0), written with the condition last.
      f.op('i32.eqz').op('select').op(`${type}.div_s`);
    },
    type,
  );
});

/** Truncated remainder; 0 for a divisor of 0. */
function pushRemainder(f: FunctionBuilder, type: Scalar): void {
  f.get(0).get(1);
  push(f, type, 1).get(1).op(`${type}.eqz`).op('i32.eqz').op('select').op(`${type}.rem_s`);
}

const truncatedRemainder = helper('fmod', pushRemainder);

/** Pushes whether remainder `r` is not 0 and has not the sign of the divisor. */
function pushDisagrees(f: FunctionBuilder, type: Scalar, r: Local): void {
  f.get(r);
  push(f, type, 0).op(`${type}.ne`);
  f.get(r).get(1).op(`${type}.xor`);
  push(f, type, 0).op(`${type}.lt_s`).op('i32.and');
}

const flooredRemainder = helper('remainder', (f, type) => {
  const r = f.local(type);
  pushRemainder(f, type);
  f.set(r).get(r).get(1).op(`${type}.add`).get(r);
  pushDisagrees(f, type, r);
  f.op('select');
});

const floorDivide = helper('floorDivide', (f, type) => {
  const r = f.local(type);
  pushRemainder(f, type);
  f.set(r);
  divide(f, type, 0, 1);
  pushDisagrees(f, type, r);
  if (type === 'i64') f.op('i64.extend_i32_u');
  f.op(`${type}.sub`);
});

/** Powers by squaring, wrapping. A negative exponent gives 0, except for bases of 1 and -1. */
const power = helper('pow', (f, type) => {
  const result = f.local(type);
  push(f, type, 1).set(result).get(1);
  push(f, type, 0).op(`${type}.lt_s`);
  f.if(() => {
    f.get(0);
    push(f, type, 1)
      .op(`${type}.eq`)
      .if(() => {
        push(f, type, 1).op('return');
      });
    f.get(0);
    push(f, type, -1)
      .op(`${type}.ne`)
      .if(() => {
        push(f, type, 0).op('return');
      });
    // (-1) ** b depends on the lowest bit alone.
    f.get(1);
    push(f, type, 1).op(`${type}.and`).set(1);
  });
  f.block((done) => {
    f.loop((next) => {
      f.get(1).op(`${type}.eqz`).brIf(done);
      f.get(result).get(0);
      push(f, type, 1).get(1);
      push(f, type, 1).op(`${type}.and`);
      if (type === 'i64') f.op('i32.wrap_i64');
      f.op('select').op(`${type}.mul`).set(result);
      f.get(0).get(0).op(`${type}.mul`).set(0).get(1);
      push(f, type, 1).op(`${type}.shr_u`).set(1).br(next);
    });
  });
  f.get(result);
});

function pushMagnitude(f: FunctionBuilder, type: Scalar, local: Local): void {
  push(f, type, 0).get(local).op(`${type}.sub`).get(local).get(local);
  push(f, type, 0).op(`${type}.lt_s`).op('select');
}

/** Euclid's algorithm on magnitudes, which are unsigned: that of the least integer has no signed form. */
const greatestDivisor = helper('gcd', (f, type) => {
  const r = f.local(type);
  pushMagnitude(f, type, 0);
  f.set(0);
  pushMagnitude(f, type, 1);
  f.set(1);
  f.block((done) => {
    f.loop((next) => {
      f.get(1).op(`${type}.eqz`).brIf(done);
      f.get(0).get(1).op(`${type}.rem_u`).set(r).get(1).set(0).get(r).set(1).br(next);
    });
  });
  f.get(0);
});

const leastMultiple = helper('lcm', (f, type) => {
  const divisor = f.local(type);
  greatestDivisor(f, type, 0, 1);
  f.tee(divisor)
    .op(`${type}.eqz`)
    .if(() => {
      push(f, type, 0).op('return');
    });
  pushMagnitude(f, type, 0);
  f.get(divisor).op(`${type}.div_u`);
  pushMagnitude(f, type, 1);
  f.op(`${type}.mul`);
});

function pushInWidth(f: FunctionBuilder, type: Scalar): void {
  f.get(1);
  push(f, type, type === 'i32' ? 32 : 64).op(`${type}.lt_u`);
}

const shiftLeft = helper('shiftLeft', (f, type) => {
  f.get(0).get(1).op(`${type}.shl`);
  push(f, type, 0);
  pushInWidth(f, type);
  f.op('select');
});

/** A shift by more than the width, or by less than 0, leaves copies of the sign. */
const shiftRight = helper('shiftRight', (f, type) => {
  f.get(0).get(1);
  push(f, type, type === 'i32' ? 31 : 63);
  pushInWidth(f, type);
  f.op('select').op(`${type}.shr_s`);
});

export const laneRules: Record<string, LaneRule> = {
  div: divide,
  fmod: truncatedRemainder,
  remainder: flooredRemainder,
  floorDivide,
  pow: power,
  gcd: greatestDivisor,
  lcm: leastMultiple,
  shiftLeft,
  shiftRight,
};
