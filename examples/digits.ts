/** Real data: a classifier of handwritten digits, trained, looked at, saved and loaded. */
import { writeFileSync } from 'node:fs';
import { Presets, SingleBar } from 'cli-progress';
import { manualSeed, nn, noGrad, optim, type Tensor, tensor } from 'nabla';
import { DataLoader, randomSplit, TensorDataset } from 'nabla/data';
import { csvNumbers, loadSafetensors, parseCsv, readText, saveSafetensors } from 'nabla/io';
import { lossChart, type Misread, misreadChart } from './charts.ts';
import { heading, say } from './terminal.ts';

const EPOCHS = 30;
const BATCH = 32;
const CLASSES = 10;
const PIXELS = 64;

async function readDigits(): Promise<TensorDataset> {
  const table = parseCsv(await readText(new URL('./data/digits.csv', import.meta.url)));
  const { data, columns } = csvNumbers(table);
  const rows = data.length / columns.length;
  const all = tensor(data, { dtype: 'float32' }).reshape(rows, columns.length);
  return new TensorDataset(all.narrow(1, 0, PIXELS).div(16), all.select(1, PIXELS).to('int64'));
}

function network(): nn.Sequential {
  return new nn.Sequential(new nn.Linear(PIXELS, 128), new nn.ReLU(), new nn.Dropout(0.2), new nn.Linear(128, CLASSES));
}

/** A bar on a terminal; a plain line for every few epochs elsewhere. */
function progress(total: number): { step(loss: number, epoch: number): void; stop(): void } {
  const started = performance.now();
  let done = 0;
  /** What is known after a step: the loss, steps a second, seconds to go. */
  const figures = (loss: number): { loss: string; rate: string; left: string } => {
    const seconds = (performance.now() - started) / 1000;
    return { loss: loss.toFixed(4), rate: (done / seconds).toFixed(0), left: ((seconds / done) * (total - done)).toFixed(1) };
  };
  if (process.stdout.isTTY) {
    const bar = new SingleBar(
      { format: '  {bar} {percentage}%  loss {loss}, {rate} steps/s, {left} s left', hideCursor: true },
      Presets.shades_classic,
    );
    bar.start(total, 0, { loss: '-', rate: '-', left: '-' });
    return { step: (loss) => bar.update(++done, figures(loss)), stop: () => bar.stop() };
  }
  return {
    step(loss, epoch) {
      done++;
      if (done % Math.ceil(total / 6) !== 0 && done !== total) return;
      const { rate, left, ...rest } = figures(loss);
      console.log(`  epoch ${String(epoch + 1).padStart(2)}: step ${done} of ${total}, loss ${rest.loss}, ${rate} steps/s, ${left} s left`);
    },
    stop() {},
  };
}

function train(model: nn.Sequential, loader: DataLoader<Tensor[], Tensor[]>): number[] {
  const optimizer = new optim.AdamW(model.parameters(), { lr: 2e-3, weightDecay: 0.01 });
  const losses: number[] = [];
  const bar = progress(EPOCHS * loader.length);
  model.train();
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = nn.functional.crossEntropy(model.forward(x as Tensor), y as Tensor);
      loss.backward();
      optimizer.step();
      const value = Number(loss.item());
      losses.push(value);
      bar.step(value, epoch);
    }
  }
  bar.stop();
  return losses;
}

function predict(model: nn.Sequential, x: Tensor): number[] {
  model.eval();
  return noGrad(() => model.forward(x).argmax(1).toArray() as number[]);
}

function confusion(labels: readonly number[], predictions: readonly number[]): string {
  const counts = Array.from({ length: CLASSES }, () => new Array<number>(CLASSES).fill(0));
  labels.forEach((label, i) => {
    const row = counts[label] as number[];
    const predicted = predictions[i] as number;
    row[predicted] = (row[predicted] as number) + 1;
  });
  const line = (cells: readonly (string | number)[]): string => cells.map((cell) => String(cell).padStart(4)).join('');
  const head = line(['', ...Array.from({ length: CLASSES }, (_, i) => i)]);
  return [head, ...counts.map((row, label) => line([label, ...row.map((n) => (n === 0 ? '·' : n))]))].map((row) => `  ${row}`).join('\n');
}

export async function digits(): Promise<void> {
  heading('2. Real data: handwritten digits');
  manualSeed(0);
  const data = await readDigits();
  const [trainSet, testSet] = randomSplit(data, [0.8, 0.2]) as [
    ReturnType<typeof randomSplit<Tensor[]>>[0],
    ReturnType<typeof randomSplit<Tensor[]>>[0],
  ];
  say(
    `${data.length} images of 8 × 8 pixels; ${trainSet.length} to learn from, ${testSet.length} held out. Credit: see examples/data/README.md.`,
  );
  const model = network();
  console.log(String(model).replace(/^/gm, '  '));

  say(`Training with AdamW, ${EPOCHS} epochs of batches of ${BATCH}:`);
  const loader = new DataLoader(trainSet, { batchSize: BATCH, shuffle: true });
  const started = performance.now();
  const losses = train(model, loader);
  say(`${losses.length} steps in ${((performance.now() - started) / 1000).toFixed(1)} s.`);

  const [x, y] = [...new DataLoader(testSet, { batchSize: testSet.length })][0] as [Tensor, Tensor];
  const labels = y.toArray() as number[];
  const predictions = predict(model, x);
  const right = labels.filter((label, i) => label === predictions[i]).length;
  say(
    `Right on the held-out fifth: ${right} of ${labels.length}, ${((100 * right) / labels.length).toFixed(1)} %. Rows: what it is; columns: what it was read as.`,
  );
  console.log(confusion(labels, predictions));

  writeFileSync('out/loss.svg', lossChart(losses, loader.length));
  const wrong = labels.flatMap((label, i): Misread[] => {
    const predicted = predictions[i] as number;
    return label === predicted ? [] : [{ pixels: x.select(0, i).mul(16).toArray() as number[], label, predicted }];
  });
  writeFileSync('out/misread.svg', misreadChart(wrong.slice(0, 6)));
  say('Pictures: the loss curve in out/loss.svg, misread digits in out/misread.svg.');

  await saveSafetensors('out/digits.safetensors', model.stateDict());
  const copy = network();
  copy.loadStateDict(await loadSafetensors('out/digits.safetensors'));
  const again = predict(copy, x);
  const same = again.every((digit, i) => digit === predictions[i]);
  say(`Saved to out/digits.safetensors and loaded into a new network: its predictions are ${same ? 'the same' : 'DIFFERENT'}.`);
  if (!same || right / labels.length < 0.96) process.exitCode = 1;
}
