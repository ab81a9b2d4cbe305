/** What tests need where all files run in one process: the collector, and warnings that are said once in a process. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach } from 'vitest';
import { forgetWarnings } from '../../src/util/warn.ts';

// A worker thread cannot be started with the flag.
setFlagsFromString('--expose-gc');
(globalThis as { gc?: unknown }).gc ??= runInNewContext('gc');

beforeEach(forgetWarnings);
