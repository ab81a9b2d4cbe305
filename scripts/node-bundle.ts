/**
 * The build for Node: the entries, with what they share in a few files. Node opens, resolves and links module by module, which for hundreds of
 * them takes longer than to run them. Bundlers get the single modules instead, so that they can drop what a program does not use.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { minify } from 'terser';

/** The folder in `dist` that the bundle is in. */
export const NODE_FOLDER = 'node';

const LINE_LENGTH = 120;

/** Bundles the entries, given by their paths in `dist`. They share every module, so that it makes no difference which of them a program imports. */
export async function bundleForNode(dist: string, entries: readonly string[]): Promise<void> {
  const result = await build({
    entryPoints: entries.map((entry) => join(dist, entry)),
    outdir: join(dist, NODE_FOLDER),
    chunkNames: 'shared-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: LINE_LENGTH,
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
  });
  mkdirSync(join(dist, NODE_FOLDER), { recursive: true });
  for (const { path, text } of result.outputFiles) writeFileSync(path, await withShortLocals(withClassNames(text)));
}

/** The bundler calls a class that refers to itself by another name, which would show where modules and errors are printed. */
function withClassNames(text: string): string {
  const renamed = new Set(Array.from(text.matchAll(/= ?class _(\w+)/g), ([, name]) => `_${name}`));
  return text.replace(/\b_\w+\b/g, (name) => (renamed.has(name) ? name.slice(1) : name));
}

/**
 * Short names for what is local to functions: reading the source is half of what the import takes. Functions and classes keep theirs, which stack
 * traces and printed modules show, and lines are short enough to be shown where something throws.
 */
async function withShortLocals(text: string): Promise<string> {
  const result = await minify(text, {
    compress: false,
    mangle: { keep_fnames: true, keep_classnames: true },
    module: false,
    // A single character beyond ASCII would double what the engine holds of the source, and slow its reading.
    format: { max_line_len: LINE_LENGTH, ascii_only: true },
  });
  return result.code ?? text;
}
