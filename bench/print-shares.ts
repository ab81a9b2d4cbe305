/** `npm run bench -- --shares`: what nabla's training steps spend their time on, as they are and compiled. */
import { type Setting, startPeers } from './peer.ts';
import { median, type Shares } from './timing.ts';

const ENDING = ' compiled';
const KINDS = ['products', 'joined', 'rest'] as const;

/** Prints a row for each step that is measured compiled, too: milliseconds of one call, and what `compile` makes of the whole and of the rest. */
export async function printShares(setting: Setting, seconds: number, rounds: number, pattern: RegExp): Promise<void> {
  const [peer] = await startPeers(setting, []);
  if (peer === undefined) return;
  const columns = KINDS.flatMap((kind) => [kind, 'compiled']);
  console.log(
    'milliseconds in matrix products and convolutions, in attention and recurrent layers, and in the rest; ratios are compiled ÷ as it is',
  );
  console.log(['workload'.padEnd(18), ...[...columns, '÷ rest', '÷ all'].map((head) => head.padStart(10))].join(''));
  for (const compiled of peer.names.filter((name) => name.endsWith(ENDING))) {
    const name = compiled.slice(0, -ENDING.length);
    if (!pattern.test(name)) continue;
    const [plain, other]: [Shares[], Shares[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const [list, which] of [
        [plain, name],
        [other, compiled],
      ] as const) {
        const shares = (await peer.measure(which, seconds, true))?.shares;
        if (shares !== undefined) list.push(shares);
      }
    }
    const of = (list: readonly Shares[], kind: (typeof KINDS)[number]): number => median(list.map((shares) => shares[kind]));
    const all = (list: readonly Shares[]): number => median(list.map((shares) => shares.products + shares.joined + shares.rest));
    const times = KINDS.flatMap((kind) => [of(plain, kind), of(other, kind)]).map((ms) => ms.toFixed(ms < 1 ? 4 : 2));
    const ratios = [of(other, 'rest') / of(plain, 'rest'), all(other) / all(plain)].map((ratio) => ratio.toFixed(2));
    console.log([name.padEnd(18), ...[...times, ...ratios].map((cell) => cell.padStart(10))].join(''));
  }
  peer.stop();
}
