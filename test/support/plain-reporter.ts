import type { Reporter, TestModule } from 'vitest/node';

/** Closes every run with one plain line, `N passed, N failed`, that a program can find. */
export class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that could not even be loaded has no tests that could fail.
      if (module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) counts[test.result().state]++;
    }
    const skipped = counts.skipped + counts.pending;
    // Last of all, after the summaries of the other reporters.
    process.once('exit', () =>
      console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`),
    );
  }
}
