/** Programs of users, for what they cost the compilers. */

const IMPORT = "import { cat, nn, randn, type Tensor, zeros } from 'nabla';";

/** The same operations over and over, on tensors of which nothing is known. */
function unknownShapes(lines: number): string {
  const step = (i: number): string =>
    `const x${i}: Tensor = x${i - 1}.matmul(w).add(b).relu().sum(1).mul(2).reshape([-1, 4]); x${i}.max(1).values.mean();`;
  return [
    IMPORT,
    'declare const x0: Tensor, w: Tensor, b: Tensor;',
    ...Array.from({ length: lines }, (_, i) => step(i + 1)),
    'export {};',
  ].join('\n');
}

/** Operations on literal shapes, nearly all of them different: the worst that types can be asked for. */
function knownShapes(lines: number): string {
  const kinds: readonly ((i: number, m: number, k: number, n: number) => string)[] = [
    (i, m, k, n) => `const x${i} = randn([${m}, ${k}]).matmul(zeros([${k}, ${n}])).add(zeros([${n}]));`,
    (i, m, k, n) => `const x${i} = zeros([${m}, ${k}, ${n}]).permute([2, 0, 1]).sum(1).mul(zeros([${n}, 1]));`,
    (i, m, k) => `const x${i} = zeros([${m}, ${k}]).reshape([-1]).unsqueeze(0).expand([3, ${m * k}]);`,
    (i, m, k, n) => `const x${i} = cat([zeros([${m}, ${k}]), zeros([${n}, ${k}])]).mean(0, { keepdim: true }).softmax(-1);`,
    (i, m, k) => `const x${i} = zeros([${m}, ${k}]).at(0, ':').max(0).indices.add(1).div(2);`,
  ];
  const line = (_: unknown, i: number): string =>
    (kinds[i % kinds.length] as (typeof kinds)[0])(i, 2 + (i % 61), 3 + (i % 53), 5 + (i % 47));
  return [IMPORT, ...Array.from({ length: lines }, line), 'export {};'].join('\n');
}

function sequential(layers: number): string {
  const widths = Array.from({ length: layers + 1 }, (_, i) => 8 + i);
  const modules = Array.from({ length: layers }, (_, i) => `new nn.Linear(${widths[i]}, ${widths[i + 1]}), new nn.ReLU()`);
  return [IMPORT, `export const y = new nn.Sequential(${modules.join(', ')}).forward(zeros([2, 8]));`].join('\n');
}

/** By what it is. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  'one line': `${IMPORT} export const x = zeros([2, 2]).add(1);`,
  '200 lines of unknown shapes': unknownShapes(200),
  '200 lines of known shapes': knownShapes(200),
  'a Sequential of 100 layers': sequential(50),
};
