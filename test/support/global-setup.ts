import { findChromium, findRuntimes } from './found.ts';

/** Says at the start what will not be tested on this machine, so that a green run is not taken for more than it is. */
export function setup(): void {
  const chromium = findChromium();
  console.log(`browser tests: ${chromium ?? 'SKIPPED, no Chromium found (install one or set CHROME_PATH)'}`);
  const runtimes = findRuntimes().map((runtime) => runtime.name);
  console.log(`package tests: on ${runtimes.join(', ')}${runtimes.length > 1 ? '' : ' alone (npm run runtimes fetches others)'}`);
}
