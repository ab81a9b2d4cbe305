/** Signal processing. */

export * as windows from './signal-windows.ts';
