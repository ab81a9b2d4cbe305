import { join } from 'node:path';
import ts from 'typescript-5';
import { repository } from '../support/found.ts';

export interface PublicName {
  /** As a user writes it after `import * as nabla`: 'sin', 'nn.functional.relu'. */
  readonly name: string;
  readonly kind: 'function' | 'class' | 'constant' | 'type';
  /** Where it is declared, from the root of the repository. */
  readonly file: string;
  /** The text of its docstring, without tags. */
  readonly documentation: string;
  /** The bodies of its `@example` tags. */
  readonly examples: readonly string[];
}

/** Everything that the main entry exports, namespaces included, with the documentation an editor would show. */
export function publicNames(): PublicName[] {
  const entry = join(repository, 'src', 'index.ts');
  const configuration = ts.readConfigFile(join(repository, 'tsconfig.json'), ts.sys.readFile).config as object;
  const { options } = ts.parseJsonConfigFileContent({ ...configuration, include: [], files: ['src/index.ts'] }, ts.sys, repository);
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error('src/index.ts exports nothing');
  return namesOf(checker, module, '', new Set());
}

function namesOf(checker: ts.TypeChecker, module: ts.Symbol, prefix: string, visited: Set<ts.Symbol>): PublicName[] {
  visited.add(module);
  return checker.getExportsOfModule(module).flatMap((exported): PublicName[] => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const name = prefix + exported.name;
    if (symbol.flags & ts.SymbolFlags.ValueModule) return visited.has(symbol) ? [] : namesOf(checker, symbol, `${name}.`, visited);
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined) return [];
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
