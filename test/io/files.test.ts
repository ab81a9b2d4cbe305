import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { readBytes, readText, writeFileAtomic } from '../../src/io/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'nabla-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string): string => join(folder, name);

describe('files', () => {
  test('bytes and texts come back, by path or URL', async () => {
    await writeFileAtomic(place('bytes'), Uint8Array.of(1, 2, 255));
    expect(await readBytes(place('bytes'))).toEqual(Uint8Array.of(1, 2, 255));
    await writeFileAtomic(pathToFileURL(place('a text.txt')), 'grüße');
    expect(await readText(pathToFileURL(place('a text.txt')))).toBe('grüße');
  });

  test('the bytes have a buffer of their own', async () => {
    writeFileSync(place('small'), 'abc');
    expect((await readBytes(place('small'))).buffer.byteLength).toBe(3);
  });

  test('a file is replaced as a whole, keeps its mode, and leaves nothing beside it', async () => {
    writeFileSync(place('old'), 'a longer text');
    chmodSync(place('old'), 0o640);
    await writeFileAtomic(place('old'), 'new');
    expect(readFileSync(place('old'), 'utf8')).toBe('new');
    if (process.platform !== 'win32') expect(statSync(place('old')).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.skipIf(process.platform === 'win32')('a link stays one', async () => {
    writeFileSync(place('target'), 'old');
    symlinkSync(place('target'), place('link'));
    await writeFileAtomic(place('link'), 'new');
    expect(readFileSync(place('target'), 'utf8')).toBe('new');
  });

  test('what cannot be written leaves nothing behind', async () => {
    await expect(writeFileAtomic(join(folder, 'missing', 'file'), 'x')).rejects.toThrow(/ENOENT/);
    // A folder is in the way: the temporary file is written, cannot take the name, and goes.
    await expect(writeFileAtomic(folder, 'x')).rejects.toThrow();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`${folder.slice(tmpdir().length + 1)}.`))).toEqual([]);
  });

  test('writers at the same time do not mix', async () => {
    const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(texts.map((text) => writeFileAtomic(place('shared'), text)));
    expect(texts).toContain(readFileSync(place('shared'), 'utf8'));
  });

  test('a file that is not UTF-8 is refused as text', async () => {
    writeFileSync(place('latin'), Uint8Array.of(0xe4));
    await expect(readText(place('latin'))).rejects.toThrow(TypeError);
    await expect(readBytes(place('nowhere'))).rejects.toThrow(/ENOENT/);
  });
});
