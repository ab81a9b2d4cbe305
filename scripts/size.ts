/** Where the bytes of a bundle are: `npm run size [-- nabla/nn]`. Sizes are as esbuild minifies, without gzip, which leaves about a third. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { minify } from 'terser';

const specifier = process.argv[2] ?? 'nabla';
const result = await build({
  stdin: {
    contents: `import * as all from '${specifier}'; globalThis.result = all;`,
    resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    sourcefile: 'app.js',
  },
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  legalComments: 'none',
  metafile: true,
  tsconfigRaw: {},
  external: ['node:*'],
});

const inputs = Object.values(result.metafile.outputs)[0]?.inputs ?? {};
const folders = new Map<string, number>();
for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
  const folder = path.split('/').slice(0, 2).join('/');
  folders.set(folder, (folders.get(folder) ?? 0) + bytesInOutput);
}
const descending = (sizes: Iterable<readonly [string, number]>) => [...sizes].sort(([, a], [, b]) => b - a);
for (const [folder, bytes] of descending(folders)) console.log(String(bytes).padStart(8), folder);
console.log('');
for (const [path, bytes] of descending(Object.entries(inputs).map(([path, input]) => [path, input.bytesInOutput] as const)).slice(0, 30)) {
  console.log(String(bytes).padStart(8), path);
}
const code = result.outputFiles[0]?.text ?? '';
// As Vite does with `build.minify: 'terser'`.
const terse = (await minify(code, { module: true, compress: { ecma: 2020, passes: 2 }, mangle: true })).code ?? '';
const report = (minifier: string, text: string): void =>
  console.log(`${specifier}, ${minifier}: ${Buffer.byteLength(text)} bytes minified, ${gzipSync(text, { level: 9 }).byteLength} gzipped`);
console.log('');
report('esbuild', code);
report('terser after it', terse);
