/**
 * Makes the compiled files fit for bundlers: samples never reach a user, and importing one operator does not bring the others along.
 */
import ts from 'typescript-5';

/** Fields of an operator's definition that only the tests read. */
const TEST_ONLY_FIELDS = new Set(['samples', 'bad']);

const PURE = '/*#__PURE__*/ ';

export interface ShakeOptions {
  /** Remove `samples` and `bad` from object literals. */
  readonly stripSamples: boolean;
  /** Whether `import './x.js'` stays: one of a module without effects was there for its types, and bundlers warn about it. Default: yes. */
  readonly keepBareImport?: (specifier: string) => boolean;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Rewrites one compiled module.
 *
 * A top-level `const` whose initializer calls something is marked free of effects, so that a bundler may drop it when its name is unused.
 * The rule this sets for the source: **a top-level const is initialized for its value alone**; effects at start-up are statements, and the
 * file that has them is listed in package.json's `sideEffects`.
 *
 * @param text JavaScript as the compiler emitted it
 * @returns the same program, minus test data, plus annotations, with shorter names for infinities
 */
export function shake(fileName: string, text: string, options: ShakeOptions): string {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const edits: Edit[] = [];
  if (options.stripSamples) collectStrips(source, edits);
  if (options.keepBareImport) collectBareImports(source, options.keepBareImport, edits);
  const isStripped = (node: ts.Node): boolean => edits.some((edit) => edit.text === '' && node.pos >= edit.start && node.end <= edit.end);
  const namespaces = importedNamespaces(source);
  for (const initializer of topLevelInitializers(source))
    annotate(evaluatedAtLoad(initializer, isStripped, namespaces), initializer, edits);
  collectNumbers(source, isStripped, edits);
  return applyEdits(text, edits);
}

/**
 * Statements that run when the module is loaded and reach beyond it: they call, assign to, or hand on something imported.
 *
 * A bundler drops a file whose exports are unused, so such a file must be listed in package.json's `sideEffects`. What a module does to its
 * own classes and tables goes and stays with them, and needs no listing.
 */
export function effectStatements(fileName: string, text: string): string[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const imported = importedNames(source);
  const isDeclaration = (statement: ts.Statement): boolean =>
    ts.isImportDeclaration(statement) ||
    ts.isExportDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isVariableStatement(statement);
  return source.statements
    .filter((statement) => !isDeclaration(statement) && reachesBeyond(statement, imported))
    .map((statement) => statement.getText().split('\n', 1)[0] as string);
}

/** Modules that are imported for what they do, not for a name: `import './start.js'`. */
export function bareImports(fileName: string, text: string): string[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  return source.statements.flatMap((statement) => bareImport(statement) ?? []);
}

function bareImport(statement: ts.Statement): string | undefined {
  if (!ts.isImportDeclaration(statement) || statement.importClause !== undefined) return undefined;
  return ts.isStringLiteral(statement.moduleSpecifier) ? statement.moduleSpecifier.text : undefined;
}

function collectBareImports(source: ts.SourceFile, keep: (specifier: string) => boolean, edits: Edit[]): void {
  for (const statement of source.statements) {
    const specifier = bareImport(statement);
    if (specifier !== undefined && !keep(specifier)) edits.push({ start: statement.pos, end: statement.end, text: '' });
  }
}

function importedNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of source.statements) {
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : undefined;
    if (clause?.name) names.add(clause.name.text);
    const bindings = clause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) names.add(bindings.name.text);
    if (bindings && ts.isNamedImports(bindings)) for (const element of bindings.elements) names.add(element.name.text);
  }
  return names;
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function reachesBeyond(statement: ts.Statement, imported: ReadonlySet<string>): boolean {
  const isForeign = (node: ts.Node | undefined): boolean => {
    let root = node;
    while (root && (ts.isPropertyAccessExpression(root) || ts.isElementAccessExpression(root) || ts.isCallExpression(root)))
      root = root.expression;
    return root !== undefined && ts.isIdentifier(root) && (imported.has(root.text) || root.text === 'globalThis');
  };
  const visit = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isCallExpression(node) && (isForeign(node.expression) || isForeign(node.arguments[0]))) return true;
    if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind) && isForeign(node.left)) return true;
    return ts.forEachChild(node, visit) ?? false;
  };
  return visit(statement);
}

function* topLevelInitializers(source: ts.SourceFile): Generator<ts.Expression> {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement) || !(statement.declarationList.flags & ts.NodeFlags.Const)) continue;
    for (const declaration of statement.declarationList.declarations) if (declaration.initializer) yield declaration.initializer;
  }
}

function annotate(found: Evaluated, initializer: ts.Expression, edits: Edit[]): void {
  if (found.reads && !found.awaits) {
    // Bundlers take a property read for an effect (it might be a getter), so the whole expression goes into one call that is marked.
    edits.push({ start: initializer.getStart(), end: initializer.getStart(), text: `${PURE}(() => (` });
    edits.push({ start: initializer.end, end: initializer.end, text: '))()' });
    return;
  }
  for (const call of found.calls) edits.push({ start: call.getStart(), end: call.getStart(), text: PURE });
}

interface Evaluated {
  readonly calls: readonly ts.Expression[];
  readonly reads: boolean;
  readonly awaits: boolean;
}

/** What runs when the module is loaded: everything but the bodies of functions. */
function evaluatedAtLoad(initializer: ts.Expression, isStripped: (node: ts.Node) => boolean, namespaces: ReadonlySet<string>): Evaluated {
  const calls: ts.Expression[] = [];
  let reads = false;
  let awaits = false;
  // A member of `import * as S` is a name like any other; every other member might be a getter.
  const isName = (node: ts.Expression): boolean =>
    ts.isIdentifier(node) ||
    (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && namespaces.has(node.expression.text));
  const visit = (node: ts.Node): void => {
    if (isStripped(node) || ts.isFunctionLike(node)) return;
    if (ts.isAwaitExpression(node)) awaits = true;
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      calls.push(node);
      if (!isName(node.expression)) reads = true;
    } else if (ts.isPropertyAccessExpression(node)) {
      if (!isName(node)) reads = true;
    } else if (ts.isElementAccessExpression(node) || ts.isSpreadAssignment(node) || ts.isSpreadElement(node)) {
      reads = true;
    }
    ts.forEachChild(node, visit);
  };
  visit(initializer);
  return { calls, reads, awaits };
}

function importedNamespaces(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of source.statements) {
    const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : undefined;
    if (bindings && ts.isNamespaceImport(bindings)) names.add(bindings.name.text);
  }
  return names;
}

function collectStrips(source: ts.SourceFile, edits: Edit[]): void {
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralElementLike(node) && isTestOnly(node))
      edits.push({ start: node.pos, end: endWithComma(source.text, node.end), text: '' });
    else ts.forEachChild(node, visit);
  };
  visit(source);
}

/** The source names infinities and NaN as members of `Number`; the globals of the same value are shorter once minified. */
const NUMBERS: Readonly<Record<string, string>> = { POSITIVE_INFINITY: 'Infinity', NEGATIVE_INFINITY: '(-Infinity)', NaN: 'NaN' };

function collectNumbers(source: ts.SourceFile, isStripped: (node: ts.Node) => boolean, edits: Edit[]): void {
  const visit = (node: ts.Node): void => {
    if (isStripped(node)) return;
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'Number') {
      const text = NUMBERS[node.name.text];
      if (text !== undefined) edits.push({ start: node.getStart(), end: node.end, text });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/** A field that holds samples, not one that hands on another object's (`samples: options.samples ?? []`). */
function isTestOnly(property: ts.ObjectLiteralElementLike): boolean {
  const name = property.name;
  if (name === undefined || !(ts.isIdentifier(name) || ts.isStringLiteral(name)) || !TEST_ONLY_FIELDS.has(name.text)) return false;
  return !ts.isPropertyAssignment(property) || !handsOn(property.initializer);
}

function handsOn(value: ts.Expression): boolean {
  if (ts.isBinaryExpression(value))
    return handsOn(value.left) && ts.isArrayLiteralExpression(value.right) && value.right.elements.length === 0;
  return ts.isPropertyAccessExpression(value) && TEST_ONLY_FIELDS.has(value.name.text);
}

function endWithComma(text: string, end: number): number {
  const comma = /^\s*,/.exec(text.slice(end));
  return comma ? end + comma[0].length : end;
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  const sorted = edits.map((edit, order) => ({ ...edit, order })).sort((a, b) => a.start - b.start || a.order - b.order);
  let result = '';
  let at = 0;
  for (const edit of sorted) {
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}
