/**
 * Layered drawing of acyclic graphs after Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981):
 * layers by longest path, points in the layers that long arrows cross, fewer crossings by barycentres, positions by least squares with minimal
 * distances (isotonic regression).
 */

export interface Sized {
  readonly width: number;
  readonly height: number;
}

export interface Link {
  readonly from: number;
  readonly to: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** The centre of each box. */
  readonly centres: readonly Point[];
  /** The points that each link passes, from the bottom of one box to the top of the other. */
  readonly routes: readonly (readonly Point[])[];
}

const GAP = 18;
const LAYER_GAP = 30;
const SWEEPS = 8;

interface Item {
  readonly layer: number;
  readonly width: number;
  readonly above: number[];
  readonly below: number[];
  x: number;
}

/** Draws boxes with their links pointing down. The links must not form a cycle. */
export function layered(boxes: readonly Sized[], links: readonly Link[]): Drawing {
  const layerOf = layersOf(boxes.length, links);
  const items: Item[] = boxes.map((box, i) => ({ layer: layerOf[i] as number, width: box.width, above: [], below: [], x: 0 }));
  const chains = links.map((link) => connect(items, link));
  const layers: number[][] = [];
  for (const [i, item] of items.entries()) {
    layers[item.layer] ??= [];
    (layers[item.layer] as number[]).push(i);
  }
  order(items, layers);
  place(items, layers);
  return finish(boxes, items, layers, chains);
}

/** The longest way from above; what has nothing above moves down to what it points to. */
function layersOf(count: number, links: readonly Link[]): number[] {
  const layer = new Array<number>(count).fill(0);
  const waiting = new Array<number>(count).fill(0);
  const below: number[][] = Array.from({ length: count }, () => []);
  for (const { from, to } of links) {
    waiting[to] = (waiting[to] as number) + 1;
    (below[from] as number[]).push(to);
  }
  const sources = waiting.flatMap((n, i) => (n === 0 ? [i] : []));
  const ready = [...sources];
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    for (const next of below[i] as number[]) {
      layer[next] = Math.max(layer[next] as number, (layer[i] as number) + 1);
      waiting[next] = (waiting[next] as number) - 1;
      if (waiting[next] === 0) ready.push(next);
    }
  }
  for (const source of sources) {
    const nearest = Math.min(...(below[source] as number[]).map((next) => layer[next] as number));
    if (Number.isFinite(nearest)) layer[source] = nearest - 1;
  }
  return layer;
}

/** Joins two items by way of a point in each layer between them; returns them all. */
function connect(items: Item[], { from, to }: Link): number[] {
  const chain = [from];
  for (let layer = (items[from] as Item).layer + 1; layer < (items[to] as Item).layer; layer++) {
    items.push({ layer, width: 2, above: [], below: [], x: 0 });
    chain.push(items.length - 1);
  }
  chain.push(to);
  for (let k = 1; k < chain.length; k++) {
    const [upper, lower] = [chain[k - 1] as number, chain[k] as number];
    (items[upper] as Item).below.push(lower);
    (items[lower] as Item).above.push(upper);
  }
  return chain;
}

/** Sorts each layer by where its neighbours stand, downwards and upwards in turn. */
function order(items: readonly Item[], layers: readonly number[][]): void {
  const position = new Array<number>(items.length).fill(0);
  const number = (layer: readonly number[]): void => layer.forEach((i, k) => void (position[i] = k));
  for (const layer of layers) number(layer);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const weight = new Map(
        layer.map((i) => [
          i,
          mean(
            neighbours(items, i, down).map((n) => position[n] as number),
            position[i] as number,
          ),
        ]),
      );
      layer.sort((a, b) => (weight.get(a) as number) - (weight.get(b) as number));
      number(layer);
    }
  }
}

function neighbours(items: readonly Item[], i: number, above: boolean): readonly number[] {
  const item = items[i] as Item;
  return above ? item.above : item.below;
}

function mean(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : values.reduce((a, b) => a + b, 0) / values.length;
}

/** Moves each item as near to its neighbours as the distances within its layer allow. */
function place(items: readonly Item[], layers: readonly number[][]): void {
  for (const layer of layers)
    spread(
      items,
      layer,
      layer.map(() => 0),
    );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const wanted = layer.map((i) =>
        mean(
          neighbours(items, i, down).map((n) => (items[n] as Item).x),
          (items[i] as Item).x,
        ),
      );
      spread(items, layer, wanted);
    }
  }
}

/** Least squares from the wanted positions under minimal distances: isotonic regression by pooling adjacent violators. */
function spread(items: readonly Item[], layer: readonly number[], wanted: readonly number[]): void {
  const offsets: number[] = [];
  let offset = 0;
  layer.forEach((i, k) => {
    if (k > 0) offset += ((items[layer[k - 1] as number] as Item).width + (items[i] as Item).width) / 2 + GAP;
    offsets.push(offset);
  });
  const pools: { sum: number; count: number }[] = [];
  wanted.forEach((x, k) => {
    pools.push({ sum: x - (offsets[k] as number), count: 1 });
    for (let last = pools.length - 1; last > 0; last--) {
      const [a, b] = [pools[last - 1] as { sum: number; count: number }, pools[last] as { sum: number; count: number }];
      if (a.sum / a.count <= b.sum / b.count) break;
      a.sum += b.sum;
      a.count += b.count;
      pools.pop();
    }
  });
  let k = 0;
  for (const { sum, count } of pools) {
    for (const end = k + count; k < end; k++) (items[layer[k] as number] as Item).x = sum / count + (offsets[k] as number);
  }
}

function finish(boxes: readonly Sized[], items: readonly Item[], layers: readonly number[][], chains: readonly number[][]): Drawing {
  const left = Math.min(...layers.flat().map((i) => (items[i] as Item).x - (items[i] as Item).width / 2)) - GAP;
  const right = Math.max(...layers.flat().map((i) => (items[i] as Item).x + (items[i] as Item).width / 2)) + GAP;
  const middles: number[] = [];
  let y = GAP;
  for (const layer of layers) {
    const height = Math.max(...layer.map((i) => boxes[i]?.height ?? 0));
    middles.push(y + height / 2);
    y += height + LAYER_GAP;
  }
  const centre = (i: number): Point => ({ x: (items[i] as Item).x - left, y: middles[(items[i] as Item).layer] as number });
  const routes = chains.map((chain) => {
    const points = chain.map(centre);
    const [first, last] = [points[0] as Point, points[points.length - 1] as Point];
    points[0] = { x: first.x, y: first.y + (boxes[chain[0] as number] as Sized).height / 2 };
    points[points.length - 1] = { x: last.x, y: last.y - (boxes[chain[chain.length - 1] as number] as Sized).height / 2 };
    return points;
  });
  return { width: right - left, height: y - LAYER_GAP + GAP, centres: boxes.map((_, i) => centre(i)), routes };
}
