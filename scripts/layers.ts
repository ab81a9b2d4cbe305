/**
 * Enforces the architecture: which layer of `src/` may import which, no cycles, no file over the length limit.
 *
 * Run it with `npm run layers`. The table below is the whole configuration; docs/design explains the arrows.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-5';
import { siblingOf } from './browser-siblings.ts';

const LINE_LIMIT = 600;

const BASE = ['util', 'dtype', 'shape', 'scalar'];
const CORE = [...BASE, 'runtime', 'op', 'tensor'];
const WHOLE = [...CORE, 'ops', 'transform', 'compile'];

/** Each folder of `src/` and the folders it may import besides itself. A folder that is not named here is an error. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  util: [],
  dtype: ['util'],
  shape: ['util', 'dtype'],
  scalar: ['util', 'dtype', 'shape'],
  // Pure compilation (expression in, bytes out) and the device interface do not know each other: a backend joins the two.
  kernel: BASE,
  runtime: BASE,
  backend: [...BASE, 'kernel', 'runtime'],
  op: [...BASE, 'runtime'],
  tensor: [...BASE, 'runtime', 'op'],
  ops: CORE,
  transform: [...CORE, 'ops'],
  compile: [...CORE, 'ops', 'transform'],
  api: WHOLE,
  nn: [...WHOLE, 'api'],
  optim: [...WHOLE, 'api'],
  data: [...WHOLE, 'api'],
  io: [...WHOLE, 'api', 'nn'],
  viz: [...WHOLE, 'api', 'nn'],
};

/** Files directly in `src/` are the package's entries: they join everything, and only they (and api's start-up) may name a backend. */
const ENTRY = '(entry)';
const BACKEND_USERS = [ENTRY, 'api', 'backend'];

/** Files that bring kernels along which few programs need, so that a bundler drops them with the operators that run them. */
const KERNEL_DOORS = [
  'compile/product-kernels.ts',
  'compile/reduction-kernels.ts',
  'ops/linalg/decomposition-kernels.ts',
  'ops/nn/attention-kernels.ts',
  'ops/nn/cross-entropy-kernels.ts',
  'ops/nn/dropout-kernels.ts',
  'ops/nn/embedding-kernels.ts',
  'ops/nn/recurrent-kernels.ts',
  'ops/nn/row-kernels.ts',
  'ops/nn/window-kernels.ts',
  'ops/optimizer-kernels.ts',
  'ops/scan-kernels.ts',
  'ops/sort-kernels.ts',
];

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Erased by the compiler, so that it cannot make a cycle at run time. */
  readonly typeOnly: boolean;
}

/** Every import of a source text: static, re-exported, dynamic, of types, and module augmentations. */
export function importsOf(fileName: string, text: string): Import[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.ES2022, true);
  const found: Import[] = [];
  const add = (node: ts.Node | undefined, typeOnly: boolean): void => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return;
    found.push({ specifier: node.text, line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importIsTypeOnly(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isModuleDeclaration(node)) add(node.name, true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** With verbatimModuleSyntax only `import type` is erased whole; `import { type A }` still loads the module. */
function importIsTypeOnly(node: ts.ImportDeclaration): boolean {
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name))
    .sort();
}

function layerOf(root: string, file: string): string {
  const parts = relative(root, file).split(sep);
  return parts.length === 1 ? ENTRY : (parts[0] as string);
}

function mayImport(from: string, to: string): boolean {
  if (to === 'backend') return BACKEND_USERS.includes(from);
  if (from === ENTRY) return true;
  if (to === ENTRY) return false;
  return from === to || (ALLOWED[from]?.includes(to) ?? false);
}

/** The strongly connected components with more than one file, or one file that imports itself (Tarjan, 1972). */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const cycles: string[][] = [];
  const connect = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.get(node) as number);
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) {
        connect(next);
        low.set(node, Math.min(low.get(node) as number, low.get(next) as number));
      } else if (onStack.has(next)) {
        low.set(node, Math.min(low.get(node) as number, index.get(next) as number));
      }
    }
    if (low.get(node) !== index.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    for (const member of component) onStack.delete(member);
    if (component.length > 1 || graph.get(node)?.includes(node)) cycles.push(component);
  };
  for (const node of graph.keys()) if (!index.has(node)) connect(node);
  return cycles;
}

/** One shortest way round a component, for a message that can be acted on. */
function shortestLoop(graph: ReadonlyMap<string, readonly string[]>, component: readonly string[]): string[] {
  const start = component[0] as string;
  const members = new Set(component);
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) {
        const path = [start];
        for (let at: string | undefined = node; at !== undefined && at !== start; at = cameFrom.get(at)) path.splice(1, 0, at);
        return [...path, start];
      }
      if (!members.has(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return [...component];
}

/**
 * All that is wrong with the source tree at `root`, one message each; empty when the architecture holds.
 *
 * Cycles are forbidden among imports that remain at run time, within a layer too. Between layers the arrows forbid them for types as well.
 */
export function checkLayers(root: string): string[] {
  const problems: string[] = [];
  const graph = new Map<string, string[]>();
  const short = (file: string): string => relative(dirname(root), file);
  for (const file of sourceFiles(root)) {
    const text = readFileSync(file, 'utf8');
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (lines > LINE_LIMIT) problems.push(`${short(file)}: ${lines} lines, over the limit of ${LINE_LIMIT}: split it`);
    const from = layerOf(root, file);
    if (from !== ENTRY && ALLOWED[from] === undefined)
      problems.push(`${short(file)}: src/${from}/ is no layer that scripts/layers.ts knows`);
    const sibling = siblingOf(file);
    if (sibling !== null && !existsSync(sibling)) problems.push(`${short(file)}: stands for ${short(sibling)}, which does not exist`);
    // What the form for browsers imports, its module imports there: cycles are looked for among both.
    const targets = graph.get(sibling ?? file) ?? [];
    graph.set(sibling ?? file, targets);
    for (const { specifier, line, typeOnly } of importsOf(file, text)) {
      const where = `${short(file)}:${line}`;
      if (!specifier.startsWith('.')) {
        if (!specifier.startsWith('node:')) problems.push(`${where}: imports the package '${specifier}'; nabla has no runtime dependency`);
        continue;
      }
      const target = resolve(dirname(file), specifier);
      if (!specifier.endsWith('.ts')) problems.push(`${where}: '${specifier}' must name the file with its .ts extension`);
      else if (!existsSync(target)) problems.push(`${where}: '${specifier}' does not exist`);
      else if (siblingOf(target) !== null)
        problems.push(`${where}: import '${siblingOf(specifier)}': the build puts its form for browsers in`);
      else if (relative(root, target).startsWith('..')) problems.push(`${where}: '${specifier}' lies outside src/`);
      else {
        const to = layerOf(root, target);
        const isDoor = to === 'backend' && KERNEL_DOORS.includes(relative(root, file).split(sep).join('/'));
        if (!isDoor && !mayImport(from, to)) problems.push(`${where}: ${from} may not import ${to} ('${specifier}')`);
        if (!typeOnly) targets.push(target);
      }
    }
  }
  for (const cycle of findCycles(graph)) {
    problems.push(`cycle of ${cycle.length} files: ${shortestLoop(graph, cycle).map(short).join(' -> ')}`);
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../src', import.meta.url));
  const problems = checkLayers(root);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  console.log(problems.length === 0 ? `layers: ${sourceFiles(root).length} files, no problem` : `layers: ${problems.length} problems`);
}
