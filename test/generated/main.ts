/**
 * Runs the generated checks without a test runner and prints what they found: `npx tsx test/generated/main.ts [name…] [--check vmap]`.
 * Names select operators exactly, or as a namespace (`special.`), or all with a pattern (`/norm/`).
 */
import { CHECKS } from './checks/index.ts';
import { leaks } from './checks/memory.ts';
import { collect, type Entry } from './operators.ts';
import { CheckFailure, describeError } from './report.ts';

function selects(selector: string, entry: Entry): boolean {
  const name = entry.description.name;
  if (selector.startsWith('/')) return new RegExp(selector.slice(1, -1)).test(name);
  return selector.endsWith('.') ? name.startsWith(selector) : name === selector;
}

async function main(args: readonly string[]): Promise<void> {
  const at = args.indexOf('--check');
  const only = at < 0 ? null : args[at + 1];
  const selectors = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  const entries = collect().filter((entry) => selectors.length === 0 || selectors.some((selector) => selects(selector, entry)));
  const checks = CHECKS.filter((check) => only === null || check.name === only);
  const spent = new Map<string, number>();
  let failed = 0;
  for (const entry of entries) {
    for (const check of checks) {
      const start = performance.now();
      try {
        check.run(entry);
      } catch (error) {
        failed++;
        const findings = error instanceof CheckFailure ? error.findings : [describeError(error)];
        console.log(`${entry.description.name}  [${check.name}]  ${findings.length} finding${findings.length === 1 ? '' : 's'}`);
        for (const finding of findings.slice(0, 4)) console.log(`    ${finding}`);
      }
      spent.set(check.name, (spent.get(check.name) ?? 0) + performance.now() - start);
    }
  }
  if (only === null || only === 'memory') {
    const start = performance.now();
    for (const { name, bytes } of await leaks(entries)) {
      failed++;
      console.log(`${name}  [memory]  ${bytes} bytes stay in use after a call with its backward pass`);
    }
    spent.set('memory', performance.now() - start);
  }
  console.log(`${entries.length} operators, ${failed} failing checks`);
  console.log([...spent].map(([name, time]) => `${name} ${(time / 1000).toFixed(1)} s`).join(', '));
}

await main(process.argv.slice(2));
