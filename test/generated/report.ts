/** What the checks of one operator found. */
import type { SampleCall } from './calls.ts';
import type { Entry } from './operators.ts';

/** Raised for an operator that a check found wrong; one line for each defect. */
export class CheckFailure extends Error {
  readonly findings: readonly string[];
  constructor(findings: readonly string[]) {
    super(findings.join('\n'));
    this.findings = findings;
  }
}

/** One way to look at an operator: throws CheckFailure. */
export interface Check {
  readonly name: string;
  run(entry: Entry): void;
}

/** Collects findings over the samples of an operator; a check that throws is a finding too. */
export function forEachCall(calls: readonly SampleCall[], look: (call: SampleCall, report: (finding: string) => void) => void): void {
  const findings: string[] = [];
  for (const call of calls) {
    try {
      look(call, (finding) => findings.push(`${call.label}: ${finding}`));
    } catch (error) {
      findings.push(`${call.label}: ${describeError(error)}`);
    }
  }
  if (findings.length > 0) throw new CheckFailure(findings);
}

export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const place = (error.stack ?? '')
    .split('\n')
    .slice(1)
    .find((line) => line.includes('/src/'));
  return `threw ${error.name}: ${error.message}${
    place === undefined
      ? ''
      : ` (${place
          .trim()
          .replace(/^at /, '')
          .replace(/\/.*\/src\//, 'src/')})`
  }`;
}
