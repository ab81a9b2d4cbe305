/** The entry `nabla/profiler`: which operators run, how long, with how much memory. */
import './index.ts';

export { Profile, type ProfileOptions, profile, recordFunction, type TableOptions } from './api/profiler.ts';
export { type EventAverage, type EventKind, ProfilerEvent, type SortKey } from './api/profiler-events.ts';
