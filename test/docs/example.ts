import ts from 'typescript-5';

/** A remark after a statement is a promise when it looks like what is printed: a tensor, an array, a number, a boolean, a string in quotes, a shape. */
const PRINTED = /^(tensor\(|\[|-?\d|-?inf|nan|true|false|null|'|<)/;

export interface Broken {
  readonly code: string;
  readonly expected: string;
  readonly got: string;
}

const AsyncFunction = (async () => {}).constructor as new (...parameters: string[]) => (...values: unknown[]) => Promise<void>;

/**
 * Runs an example of a docstring with the given names in scope.
 *
 * A statement followed by `// tensor([…])` or another printed value promises to have that value.
 *
 * @returns the promises that were not kept
 */
export async function runExample(text: string, scope: Readonly<Record<string, unknown>>): Promise<Broken[]> {
  const broken: Broken[] = [];
  const promise = (value: unknown, code: string, expected: string): void => {
    const got = printed(value);
    if (![got, String(value), `'${String(value)}'`].some((text) => agrees(text, expected))) broken.push({ code, expected, got });
  };
  const code = ts.transpile(withPromises(unfenced(text)), { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext });
  // An example may print; a test run should not.
  const quiet = { ...console, log: () => undefined };
  const names = Object.keys(scope).filter((name) => isName(name) && !declaredIn(code).has(name));
  await new AsyncFunction(...names, '__promise', 'console', code)(...names.map((name) => scope[name]), promise, quiet);
  return broken;
}

function unfenced(text: string): string {
  return text.replace(/^```.*$/gm, '').trim();
}

/** Namespaces have members that are reserved words (`nabla.var`): those cannot be in scope. */
function isName(name: string): boolean {
  try {
    new Function(`'use strict'; let ${name};`);
    return true;
  } catch {
    return false;
  }
}

/** Names that the example declares itself: they shadow the scope. */
function declaredIn(code: string): Set<string> {
  const names = new Set<string>();
  for (const statement of ts.createSourceFile('example.js', code, ts.ScriptTarget.ES2022, true).statements) {
    if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name) names.add(statement.name.text);
    if (ts.isVariableStatement(statement))
      for (const declaration of statement.declarationList.declarations) bindingNames(declaration.name, names);
  }
  return names;
}

function bindingNames(name: ts.BindingName, into: Set<string>): void {
  if (ts.isIdentifier(name)) into.add(name.text);
  else for (const element of name.elements) if (ts.isBindingElement(element)) bindingNames(element.name, into);
}

/** Drops imports (every public name is in scope) and turns remarks into calls that compare. */
function withPromises(text: string): string {
  const source = ts.createSourceFile('example.ts', text, ts.ScriptTarget.ES2022, true);
  return source.statements
    .map((statement) => {
      if (ts.isImportDeclaration(statement)) return '';
      const code = statement.getText();
      const expected = remarkAfter(text, statement);
      if (expected === null) return code;
      const quoted = `${JSON.stringify(code)}, ${JSON.stringify(expected)}`;
      if (ts.isExpressionStatement(statement)) return `__promise(await (${logged(statement.expression)}), ${quoted});`;
      const declaration = ts.isVariableStatement(statement) ? statement.declarationList.declarations[0] : undefined;
      if (declaration && ts.isIdentifier(declaration.name)) return `${code}\n__promise(${declaration.name.text}, ${quoted});`;
      return code;
    })
    .join('\n');
}

/** What `console.log(x)` shows is x. */
function logged(expression: ts.Expression): string {
  if (ts.isCallExpression(expression) && expression.expression.getText() === 'console.log' && expression.arguments.length === 1) {
    return (expression.arguments[0] as ts.Expression).getText();
  }
  return expression.getText();
}

/** The comment on the statement's last line (below it, for `console.log`), together with comment lines right below that. */
function remarkAfter(text: string, statement: ts.Statement): string | null {
  const logs = statement.getText().startsWith('console.log(');
  const found = /^[ \t]*(\n?)[ \t]*\/\/ ?(.*(?:\n[ \t]*\/\/.*)*)/.exec(text.slice(statement.end));
  if (found === null || (found[1] !== '' && !logs)) return null;
  const remark = (found[2] as string).replace(/\n[ \t]*\/\/ ?/g, '\n').trim();
  return PRINTED.test(remark) ? remark : null;
}

function printed(value: unknown): string {
  if (typeof value === 'string') return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"')}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(printed).join(', ')}]`;
  return String(value);
}

/** Equal but for white space; a remark may end in words after the value, or stop early with an ellipsis. */
function agrees(got: string, expected: string): boolean {
  const squeeze = (text: string): string => text.replace(/\s+/g, '').replaceAll('"', "'");
  const [value, promise] = [squeeze(got), squeeze(expected)];
  const open = promise.search(/…|\.\.\.$/);
  if (open > 0) return value.startsWith(promise.slice(0, open));
  if (promise.startsWith(value)) return true;
  const [a, b] = [Number(got), Number.parseFloat(expected)];
  const decimals = /^-?\d+\.(\d+)/.exec(expected)?.[1]?.length ?? 0;
  return Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= 0.5000001 * 10 ** -decimals;
}
