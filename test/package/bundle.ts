import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { repository } from '../support/found.ts';

export interface Bundle {
  readonly code: string;
  readonly minified: number;
  readonly gzipped: number;
}

/** Bundles a module text that imports the built package, for browsers, as an application would. */
export async function bundle(contents: string, minify = true): Promise<Bundle> {
  const result = await build({
    stdin: { contents, resolveDir: repository, sourcefile: 'app.js' },
    bundle: true,
    minify,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'silent',
    // Applications have no such paths: the name must mean the build, by way of package.json's exports.
    tsconfigRaw: {},
    external: ['node:*'],
  });
  const code = result.outputFiles[0]?.text ?? '';
  return { code, minified: Buffer.byteLength(code), gzipped: gzipSync(code, { level: 9 }).byteLength };
}
