/** Functions of `signal.windows`. */

export * from '../signal-windows.ts';
