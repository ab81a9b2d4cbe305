/** Files, where the platform has them. Nothing here is loaded before it is called, so that browsers can load the package. */
import { DeviceError } from '../util/errors.ts';

type FileSystem = typeof import('node:fs/promises');

/** One of the platform's own modules. A variable names it, so that bundlers for browsers do not look for it. */
async function builtin<T>(specifier: string, caller: string): Promise<T> {
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as T;
  } catch (error) {
    const reason = (error as Error).message;
    throw new DeviceError(`${caller}: this platform has no file system (${reason}); use the functions on bytes instead`);
  }
}

function fileSystem(caller: string): Promise<FileSystem> {
  return builtin<FileSystem>('node:fs/promises', caller);
}

/**
 * The bytes of a file.
 *
 * @throws DeviceError where there is no file system; the platform's error if the file cannot be read.
 * @example
 * // not run: it needs a file
 * const bytes = await readBytes('model.safetensors');
 */
export async function readBytes(path: string | URL): Promise<Uint8Array> {
  const files = await fileSystem('readBytes');
  const bytes = await files.readFile(path);
  // Small buffers of Node may share one ArrayBuffer, which views on `buffer` would expose.
  return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}

/**
 * The text of a UTF-8 file.
 *
 * @throws DeviceError where there is no file system; TypeError if the file is not UTF-8; the platform's error if it cannot be read.
 * @example
 * // not run: it needs a file
 * const table = parseCsv(await readText('data.csv'));
 */
export async function readText(path: string | URL): Promise<string> {
  const files = await fileSystem('readText');
  return new TextDecoder('utf-8', { fatal: true }).decode(await files.readFile(path));
}

/**
 * Writes a file as a whole: whoever reads it sees the old contents or the new, even if the machine stops in between. The bytes go into a
 * new file beside it and are on the disk before that file takes the name. A link is followed, and an existing file's mode is kept.
 *
 * @throws DeviceError where there is no file system; the platform's error if the file cannot be written: the old one is then untouched.
 * @example
 * // not run: it writes a file
 * await writeFileAtomic('model.safetensors', encodeSafetensors(tensors));
 */
export async function writeFileAtomic(path: string | URL, contents: Uint8Array | string): Promise<void> {
  const files = await fileSystem('writeFileAtomic');
  const target = await resolveTarget(files, path);
  const mode = await files.stat(target).then(
    (status) => status.mode & 0o7777,
    () => null,
  );
  const temporary = `${target}.${crypto.randomUUID()}.tmp`;
  try {
    await writeSynced(files, temporary, contents, mode);
    await files.rename(temporary, target);
  } catch (error) {
    await files.rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(files, target);
}

async function resolveTarget(files: FileSystem, path: string | URL): Promise<string> {
  let text = path;
  if (text instanceof URL) text = (await builtin<typeof import('node:url')>('node:url', 'writeFileAtomic')).fileURLToPath(text);
  const given = text;
  return files.realpath(given).catch(() => given);
}

async function writeSynced(files: FileSystem, path: string, contents: Uint8Array | string, mode: number | null): Promise<void> {
  const handle = await files.open(path, 'wx');
  try {
    await handle.writeFile(contents);
    if (mode !== null) await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the new name itself durable, where directories can be synced (not on Windows). */
async function syncDirectory(files: FileSystem, path: string): Promise<void> {
  const { dirname } = await builtin<typeof import('node:path')>('node:path', 'writeFileAtomic');
  try {
    const handle = await files.open(dirname(path), 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is in place; only a crash within the next seconds could still show the old one.
  }
}
