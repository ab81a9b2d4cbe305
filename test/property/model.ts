/** A model of tensors and their views without the library: numbers in one array, and for each view the positions of its elements in it. */

export interface Model {
  readonly shape: readonly number[];
  /** Positions in the memory, in row-major order of the view. */
  readonly places: readonly number[];
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A whole memory seen as one tensor. */
export function wholeOf(shape: readonly number[]): Model {
  return { shape, places: Array.from({ length: sizeOf(shape) }, (_, i) => i) };
}

/** The coordinates of the i-th element of a shape. */
export function coordinatesOf(shape: readonly number[], i: number): number[] {
  const coordinates: number[] = [];
  let rest = i;
  for (let d = shape.length - 1; d >= 0; d--) {
    coordinates[d] = rest % (shape[d] as number);
    rest = Math.floor(rest / (shape[d] as number));
  }
  return coordinates;
}

export function indexOf(shape: readonly number[], coordinates: readonly number[]): number {
  return coordinates.reduce((index, c, d) => index * (shape[d] as number) + c, 0);
}

/** A view whose element at some coordinates is the source's element at others. */
export function viewed(source: Model, shape: readonly number[], from: (coordinates: number[]) => number[]): Model {
  const places = Array.from(
    { length: sizeOf(shape) },
    (_, i) => source.places[indexOf(source.shape, from(coordinatesOf(shape, i)))] as number,
  );
  return { shape, places };
}

/** The elements of a view. */
export function read(memory: readonly number[], view: Model): number[] {
  return view.places.map((place) => memory[place] as number);
}

/** Whether two elements of a view lie at one place. */
export function overlaps(view: Model): boolean {
  return new Set(view.places).size !== view.places.length;
}
