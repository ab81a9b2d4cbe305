import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript-5';
import { repository } from '../support/found.ts';

export interface PublicName {
  /** As a user writes it after `import * as nabla`: 'sin', 'nn.functional.relu'; with the entry's name first for other entries. */
  readonly name: string;
  readonly kind: 'function' | 'class' | 'constant' | 'type';
  /** Where it is declared, from the root of the repository. */
  readonly file: string;
  /** The text of its docstring, without tags. */
  readonly documentation: string;
  /** The bodies of its `@example` tags. */
  readonly examples: readonly string[];
}

/** The entries of the package, 'index' first: the files that lie directly in src/. Those that the main entry has as namespaces come once. */
export function entries(): string[] {
  const others = readdirSync(join(repository, 'src')).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
  return ['index', ...others.map((name) => name.slice(0, -'.ts'.length))];
}

/** Everything that the entries export, namespaces included, with the documentation an editor would show. */
export function publicNames(): PublicName[] {
  const files = entries().map((name) => join(repository, 'src', `${name}.ts`));
  const configuration = ts.readConfigFile(join(repository, 'tsconfig.json'), ts.sys.readFile).config as object;
  const { options } = ts.parseJsonConfigFileContent({ ...configuration, include: [], files }, ts.sys, repository);
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const visited = new Set<ts.Symbol>();
  return files.flatMap((file, i) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${file} exports nothing`);
    return namesOf(checker, module, i === 0 ? '' : `${entries()[i]}.`, visited);
  });
}

function namesOf(checker: ts.TypeChecker, module: ts.Symbol, prefix: string, visited: Set<ts.Symbol>): PublicName[] {
  return checker.getExportsOfModule(module).flatMap((exported): PublicName[] => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const name = prefix + exported.name;
    if (symbol.flags & ts.SymbolFlags.ValueModule) return namesOf(checker, symbol, `${name}.`, visited);
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined || visited.has(symbol)) return [];
    visited.add(symbol);
    const tags = symbol.getJsDocTags(checker);
    return [
      {
        name,
        kind: kindOf(checker, symbol, declaration),
        file: declaration.getSourceFile().fileName.slice(repository.length),
        documentation: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
        examples: tags.filter((tag) => tag.name === 'example').map((tag) => ts.displayPartsToString(tag.text)),
      },
    ];
  });
}

function kindOf(checker: ts.TypeChecker, symbol: ts.Symbol, declaration: ts.Declaration): PublicName['kind'] {
  if (symbol.flags & ts.SymbolFlags.Class) return 'class';
  if (!(symbol.flags & ts.SymbolFlags.Value)) return 'type';
  const type = checker.getTypeOfSymbolAtLocation(symbol, declaration);
  if (type.getConstructSignatures().length > 0) return 'class';
  return type.getCallSignatures().length > 0 ? 'function' : 'constant';
}
