/**
 * PyTorch's own autograd tests by name, and the test of ours that stands for each: writes docs/autograd-catalogue.md (`npm run catalogue`),
 * or says what is missing (`npm run catalogue -- --check`, which the tests do too).
 *
 * A test of ours stands for a name of the catalogue when its title begins with it, in test/autograd/NN-theme.test.ts, NN being the section.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const read = <T>(path: string): T => JSON.parse(readFileSync(at(path), 'utf8')) as T;

/** The flags of tests that can be carried over: as they are, or adapted to TypeScript. */
const PORTABLE = ['P', 'A'];
const REASONS: Readonly<Record<string, string>> = {
  C: 'needs complex arithmetic',
  S: 'needs sparse, nested or mkldnn layouts',
  X: 'CUDA, threads, JIT, pickle or another part of PyTorch that has no counterpart here',
};

interface Catalogue {
  readonly themes: Readonly<Record<string, string>>;
  readonly tests: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface Entry {
  readonly name: string;
  readonly flag: string;
  readonly section: string;
  /** Where our test is, or null. */
  readonly file: string | null;
  /** What the title says after the name. */
  readonly says: string;
  /** Why there is none. */
  readonly reason: string | null;
}

interface Found {
  readonly name: string;
  readonly says: string;
  readonly file: string;
}

const TITLE = /\btest(?:\.each(?:<[^\n]*>)?\([\s\S]{0,2000}?\))?\(\s*(['"`])((?:test_\w+|behaviour [\s\S]+?))(?::\s*([\s\S]*?))?\1\s*,/g;

function findTests(): Found[] {
  const found: Found[] = [];
  for (const file of readdirSync(at('test/autograd')).filter((name) => name.endsWith('.test.ts'))) {
    for (const [, , name = '', says = ''] of readFileSync(at(`test/autograd/${file}`), 'utf8').matchAll(TITLE))
      found.push({ name, says, file });
  }
  return found;
}

/** Every name of the catalogue with what became of it. */
export function catalogue(): Entry[] {
  const { tests } = read<Catalogue>('test/autograd/catalogue.json');
  const leftOut = read<Record<string, string>>('test/autograd/left-out.json');
  const found = findTests();
  return Object.entries(tests).flatMap(([section, names]) =>
    Object.entries(names).map(([name, flag]) => {
      const candidates = found.filter((each) => each.name === name);
      const unique = Object.values(tests).filter((other) => PORTABLE.includes(other[name] ?? '')).length < 2;
      const test =
        candidates.find(({ file }) => Number.parseInt(file, 10) === Number(section)) ??
        (unique && PORTABLE.includes(flag) ? candidates[0] : undefined);
      const reason = test === undefined ? (leftOut[name] ?? REASONS[flag] ?? null) : null;
      return { name, flag, section, file: test?.file ?? null, says: test?.says ?? '', reason };
    }),
  );
}

/** Names of the recorded behaviours of PyTorch that no test of ours begins with. */
export function missingBehaviours(): string[] {
  const names = new Set(findTests().map(({ name, says }) => (says === '' ? name : `${name}: ${says}`)));
  const begun = (heading: string): boolean => [...names].some((name) => name.startsWith(`behaviour ${heading}`));
  return read<string[]>('test/autograd/behaviours.json').filter((heading) => !begun(heading));
}

/** The page that maps names to tests. */
export function page(): string {
  const { themes } = read<Catalogue>('test/autograd/catalogue.json');
  const entries = catalogue();
  const portable = entries.filter(({ flag }) => PORTABLE.includes(flag));
  const held = portable.filter(({ file }) => file !== null).length;
  const lines = [
    '# PyTorch’s own autograd tests, and ours',
    '',
    'Made by `npm run catalogue`; the tests fail when it is out of date. Each name is a test of PyTorch’s autograd; the test of ours that stands for it',
    'checks the same behaviour in our names, and its title begins with the same name.',
    '',
    `Of ${portable.length} tests that can be carried over, ${held} are; of the other ${entries.length - portable.length}, ${entries.filter(({ flag, file }) => !PORTABLE.includes(flag) && file !== null).length}.`,
    '',
  ];
  for (const [section, theme] of Object.entries(themes)) {
    lines.push(`## ${section}. ${theme}`, '', '| test | ours |', '| --- | --- |');
    for (const entry of entries.filter((each) => each.section === section)) {
      const ours =
        entry.file === null
          ? `left out: ${entry.reason ?? '**missing**'}`
          : `[${entry.file}](../test/autograd/${entry.file}): ${entry.says.replaceAll('\\', '').replaceAll('|', '\\|').replaceAll('<', '&lt;')}`;
      lines.push(`| \`${entry.name}\` | ${ours} |`);
    }
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = catalogue().filter(({ file, reason }) => file === null && reason === null);
  for (const { section, name } of missing) console.log(`missing: ${section}. ${name}`);
  for (const heading of missingBehaviours()) console.log(`missing behaviour: ${heading}`);
  const portable = catalogue().filter(({ flag }) => PORTABLE.includes(flag));
  console.log(`${portable.filter(({ file }) => file !== null).length} of ${portable.length} portable tests have one of ours`);
  if (!process.argv.includes('--check')) writeFileSync(at('docs/autograd-catalogue.md'), page());
}
