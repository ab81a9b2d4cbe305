import { expect, test } from 'vitest';
import * as errors from '../../src/util/errors.ts';
import { invariant } from '../../src/util/invariant.ts';

const kinds = [
  [errors.ShapeError, 'ShapeError', 'SHAPE'],
  [errors.DTypeError, 'DTypeError', 'DTYPE'],
  [errors.IndexError, 'IndexError', 'INDEX'],
  [errors.ArgumentError, 'ArgumentError', 'ARGUMENT'],
  [errors.AutogradError, 'AutogradError', 'AUTOGRAD'],
  [errors.InPlaceError, 'InPlaceError', 'IN_PLACE'],
  [errors.MemoryError, 'MemoryError', 'MEMORY'],
  [errors.DeviceError, 'DeviceError', 'DEVICE'],
] as const;

test.each(kinds)('%o has its name and code', (Kind, name, code) => {
  const error = new Kind('add: no');
  expect(error).toBeInstanceOf(errors.NablaError);
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.code, error.message, String(error)]).toEqual([name, code, 'add: no', `${name}: add: no`]);
});

test('an invariant that does not hold is our fault', () => {
  expect(() => invariant(true, 'fine')).not.toThrow();
  expect(() => invariant(false, 'two and two')).toThrow('nabla invariant violated: two and two');
});
