/** Random programs of elementwise operations, views, reductions and writes in place: compiled, they give the bits that they give as they are. */
import * as fc from 'fast-check';
import { manualSeed, noGrad, randn, type Tensor, where } from 'nabla';
import { compile } from 'nabla/compile';
import { describe, expect, it } from 'vitest';

/** One statement: which operation, on which of the values so far. */
interface Statement {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
}

const statement = fc.record({ kind: fc.nat(17), a: fc.nat(30), b: fc.nat(30) });

/** Runs a program on [4, 6] matrices; every statement adds a value or changes one. */
function run(program: readonly Statement[], inputs: readonly Tensor[]): Tensor[] {
  const values = [...inputs];
  for (const { kind, a, b } of program) {
    const x = values[a % values.length] as Tensor;
    const y = values[b % values.length] as Tensor;
    // Values that the function made may be written; inputs may not.
    const own = values.length > inputs.length ? (values[inputs.length + (a % (values.length - inputs.length))] as Tensor) : null;
    const made = ((): Tensor | null => {
      switch (kind) {
        case 0:
          return x.add(y);
        case 1:
          return x.mul(y);
        case 2:
          return x.tanh();
        case 3:
          return x.sub(y.mul(0.5));
        case 4:
          return where(x.gt(0), y, x);
        case 5:
          return x.exp().add(1).reciprocal();
        case 6:
          return x.t().contiguous().t().add(y);
        case 7:
          return x.sum(0).add(y);
        case 8:
          return x.sum(1, { keepdim: true }).mul(y);
        case 9:
          return x.sum().mul(0.01).add(y);
        case 10:
          own?.add_(x === own ? 1 : y);
          return null;
        case 11:
          own?.narrow(0, 1, 2).mul_(0.5);
          return null;
        case 12:
          return x.narrow(1, 0, 3).repeat([1, 2]).maximum(y);
        case 13:
          return x.matmul(y.t()).matmul(y).mul(0.1);
        case 14:
          return x.double().mul(2).float().add(y);
        case 15:
          own?.zero_();
          return null;
        case 16:
          return x.half().float().mul(y);
        default:
          return x.flip([0]).add(x).clone();
      }
    })();
    if (made !== null) values.push(made);
  }
  return values.slice(inputs.length);
}

describe('random programs', () => {
  it('give the same bits compiled', () => {
    let replayed = 0;
    let saved = 0;
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 24 }), fc.nat(1000), fc.boolean(), (program, seed, all) => {
        manualSeed(seed);
        const plain = (...inputs: Tensor[]): Tensor[] => {
          const values = run(program, inputs);
          return all ? values : values.slice(-1);
        };
        const compiled = compile(plain);
        noGrad(() => {
          for (let i = 0; i < 4; i++) {
            const inputs = [randn([4, 6]), randn([4, 6]), i % 2 === 0 ? randn([4, 6]) : randn([5, 6]).narrow(0, 1, 4)];
            const wanted = plain(...inputs).map((x) => x.toArray());
            expect(compiled(...inputs).map((x) => x.toArray())).toEqual(wanted);
          }
        });
        const { signatures } = compiled.explain();
        for (const { reason, programs } of signatures) {
          expect(reason).toBeNull();
          for (const { runs, recorded, launches } of programs) {
            replayed += runs;
            saved += recorded - launches;
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(replayed).toBeGreaterThan(150);
    expect(saved).toBeGreaterThan(500);
  });

  it('give the same gradients compiled', () => {
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 16 }), fc.nat(1000), (program, seed) => {
        manualSeed(seed);
        const w = randn([4, 6], { requiresGrad: true });
        const step = (x: Tensor): Tensor => {
          w.grad = null;
          // In-place writes of what a derivative reads are refused, so there are none here.
          const out = run(
            program.filter(({ kind }) => kind < 10 || kind === 12 || kind === 13 || kind > 15),
            [w, x],
          );
          const loss = [w.mul(x), ...out].reduce((sum, value) => sum.add(value.tanh())).sum();
          loss.backward();
          return loss;
        };
        const compiled = compile(step);
        for (let i = 0; i < 4; i++) {
          const x = randn([4, 6]);
          const wanted = [step(x).item(), w.grad?.toArray()];
          expect([compiled(x).item(), w.grad?.toArray()]).toEqual(wanted);
        }
        expect(compiled.explain().signatures[0]?.reason).toBeNull();
      }),
      { numRuns: 80 },
    );
  });
});
