import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { bundleForNode, NODE_FOLDER } from '../../scripts/node-bundle.ts';

const SOURCE = `
export class Layer { static made = 0; constructor() { Layer.made++; } }
function refuse(argumentThatIsWrong) { const reasonForIt = 'no ' + argumentThatIsWrong + '…'; throw new Error(reasonForIt); }
export function check(argumentThatIsWrong) { return refuse(argumentThatIsWrong); }
`;

test('locals get short names; functions and classes keep theirs, which stack traces show; the text is ASCII', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nabla-node-bundle-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'index.js'), SOURCE);
    await bundleForNode(folder, ['index.js']);
    const file = join(folder, NODE_FOLDER, 'index.js');
    const text = readFileSync(file, 'utf8');
    expect(text).not.toMatch(/argumentThatIsWrong|reasonForIt|[^\n -~]/);
    const { Layer, check } = (await import(pathToFileURL(file).href)) as { Layer: new () => object; check(x: string): void };
    expect(new Layer().constructor.name).toBe('Layer');
    const thrown = ((): Error => {
      try {
        check('way');
      } catch (error) {
        return error as Error;
      }
      throw new Error('check did not throw');
    })();
    expect(thrown.message).toBe('no way…');
    expect(thrown.stack).toMatch(/at refuse .*\n.*at check /);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
