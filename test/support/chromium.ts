import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';
import { findChromium } from './found.ts';

/** Starts the machine's own Chromium, headless; the caller closes it. The flags keep it from calling home in a closed network. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error('No Chromium found; set CHROME_PATH');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
