import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../support/found.ts';

export interface Installed {
  /** The project that has the package installed. */
  readonly folder: string;
  /** What the tarball holds. */
  readonly files: readonly string[];
  remove(): void;
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Builds if there is no build yet; `npm test` has always built before. */
export function requireBuild(): void {
  if (!existsSync(join(repository, 'dist', 'index.js'))) npm(['run', 'build'], repository);
}

/** Packs the package as a release would and installs the tarball into a new project, offline: there is nothing else to fetch. */
export function installPackage(): Installed {
  requireBuild();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nabla-consumer-')));
  const [packed] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], repository)) as Packed[];
  if (packed === undefined) throw new Error('npm pack made nothing');
  cpSync(join(repository, 'test', 'package', 'consumer'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  npm(['install', '--ignore-scripts', '--offline', '--no-audit', '--no-fund', `./${packed.filename}`], folder);
  return {
    folder,
    files: packed.files.map((file) => file.path),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
