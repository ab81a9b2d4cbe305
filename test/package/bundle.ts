import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { minify as minifyAgain } from 'terser';
import { repository } from '../support/found.ts';

export interface Bundle {
  readonly code: string;
  /** The modules of which anything is in it. */
  readonly modules: readonly string[];
}

/** Bundles a module text that imports the built package, for browsers, as an application would. */
export async function bundle(contents: string, minify = true): Promise<Bundle> {
  const result = await build({
    stdin: { contents, resolveDir: repository, sourcefile: 'app.js' },
    bundle: true,
    minify,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'silent',
    // Applications have no such paths: the name must mean the build, by way of package.json's exports.
    tsconfigRaw: {},
    external: ['node:*'],
  });
  const inputs = Object.values(result.metafile.outputs)[0]?.inputs ?? {};
  const modules = Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0);
  return { code: result.outputFiles[0]?.text ?? '', modules };
}

/** What Vite's `build.minify: 'terser'` makes of a bundle, which costs a second or two and saves some 4 %. */
export async function terse(code: string): Promise<string> {
  const { code: shorter } = await minifyAgain(code, { module: true, compress: { ecma: 2020, passes: 2 }, mangle: true });
  return shorter ?? '';
}

export function gzipped(code: string): number {
  return gzipSync(code, { level: 9 }).byteLength;
}
