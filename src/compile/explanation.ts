/** What `explain()` says about a compiled function. */

/** A program that replays calls. */
export interface ProgramReport {
  /** Launches of the device that a call makes as it is. */
  readonly recorded: number;
  /** Launches that are left. */
  readonly launches: number;
  /** The operators of launches that complete the blocks of matrix products, each behind those of its product. */
  readonly epilogues: readonly string[];
  /** Bytes of the memory that the temporary tensors share. */
  readonly bytes: number;
  /** Bytes that they would need each for itself. */
  readonly unsharedBytes: number;
  /** How often it ran. */
  readonly runs: number;
}

/** Calls with arguments of one kind. */
export interface SignatureReport {
  /** Their shapes and dtypes. */
  readonly arguments: string;
  /** More than one where other things that the function reads were different, such as `module.training`. */
  readonly programs: readonly ProgramReport[];
  /** Calls that ran as they are: at least two, which were recorded. */
  readonly eagerRuns: number;
  /** Why they all do; null if there is no reason. */
  readonly reason: string | null;
}

/**
 * What became of the calls of a compiled function. Print it, or read its fields.
 *
 * @example
 * const f = compile((x) => x.sum().item());
 * f(ones([2]));
 * f.explain() instanceof Explanation; // true
 * f.explain().signatures[0].reason.slice(0, 45); // 'the code reads the values of a tensor, or wri'
 */
export class Explanation {
  readonly name: string;
  readonly signatures: readonly SignatureReport[];
  /** How many calls ran as they are because of what was going on around them, by reason. */
  readonly passed: ReadonlyMap<string, number>;

  constructor(name: string, signatures: readonly SignatureReport[], passed: ReadonlyMap<string, number>) {
    this.name = name;
    this.signatures = signatures;
    this.passed = new Map(passed);
  }

  toString(): string {
    const lines = [`compile(${this.name === '' ? 'a function' : this.name})`];
    if (this.signatures.length === 0 && this.passed.size === 0) lines.push('  not called yet');
    for (const signature of this.signatures) {
      lines.push(`  (${signature.arguments})`);
      for (const { recorded, launches, epilogues, bytes, unsharedBytes, runs } of signature.programs) {
        lines.push(`    ${recorded} launches became ${launches}, on ${bytes} bytes instead of ${unsharedBytes}; replayed ${times(runs)}`);
        if (epilogues.length > 0) lines.push(`    completed within matrix products: ${epilogues.join(', ')}`);
      }
      lines.push(`    ran as it is ${times(signature.eagerRuns)}${signature.reason === null ? '' : `: ${signature.reason}`}`);
    }
    for (const [reason, count] of this.passed) lines.push(`  ran as it is ${times(count)}: ${reason}`);
    return lines.join('\n');
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
