// Whoever gets a value can name its type: what public declarations speak of is exported by some entry of the packages. Reads the declarations that `tsc -b` wrote.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageFolders, readManifest } from './workspace.mjs';

export function checkExportedTypes(root) {
  // TypeScript 7 has no interface for programs yet; the API reference is built with the one before.
  const ts = createRequire(join(root, 'docs/package.json'))('typescript');
  const declarations = join(root, '.tsbuild');
  const entries = publicEntries(root, declarations);
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    {
      paths: Object.fromEntries(entries.map(({ specifier, file }) => [specifier, [file]])),
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  const resolved = (symbol) =>
    symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  const exported = new Map();
  /** Classes that can be made from outside: those exported as values. */
  const values = new Set();
  for (const { specifier, file } of entries) {
    const source = program.getSourceFile(file);
    if (source === undefined) return [`${specifier} has no declarations; run tsc -b first`];
    for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(source))) {
      exported.set(resolved(symbol), `${symbol.name} of ${specifier}`);
      if (!symbol.declarations?.some(ts.isTypeOnlyExportDeclaration)) values.add(resolved(symbol));
    }
  }

  const problems = new Map();
  for (const [symbol, name] of exported) {
    for (const declaration of symbol.declarations ?? []) visit(declaration, name, values.has(symbol));
  }
  return [...problems.values()].sort();

  /** An alias that its own file alone knows stands for what it says, and is written out where it is not known. */
  function isShorthand({ declarations: [declaration] }) {
    return (
      ts.isTypeAliasDeclaration(declaration) && !(ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export)
    );
  }

  function visit(node, user, isValue) {
    // What an interface extends is part of it; private and internal members are nobody's, nor is the constructor of a class that is a type only.
    if (ts.isHeritageClause(node) || ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) return;
    if (ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')) return;
    if (ts.isConstructorDeclaration(node) && !isValue) return;
    const named = ts.isTypeReferenceNode(node) ? node.typeName : ts.isImportTypeNode(node) ? node.qualifier : undefined;
    const target = named && resolved(checker.getSymbolAtLocation(named));
    const file = target?.declarations?.[0]?.getSourceFile().fileName;
    const isOurs = file?.startsWith(declarations) && !(target.flags & ts.SymbolFlags.TypeParameter);
    if (isOurs && !exported.has(target) && !isShorthand(target)) {
      const place = file.slice(declarations.length + 1).replace('.d.ts', '.ts');
      problems.set(target, `${place}: ${target.name} is not exported, but ${user} speaks of it`);
    }
    ts.forEachChild(node, (child) => visit(child, user, isValue));
  }
}

/** The entries whose sources are TypeScript, and the declarations made from them. */
function publicEntries(root, declarations) {
  return packageFolders(root).flatMap((folder) => {
    const { name, exports } = readManifest(root, folder);
    return Object.entries(exports).flatMap(([entry, target]) => {
      const source = target['@moe-rl/source'];
      if (source === undefined) return [];
      const file = source.replace(/^\.\/src\//, '').replace(/\.ts$/, '.d.ts');
      return [{ specifier: name + entry.slice(1), file: join(declarations, folder.split('/')[1], file) }];
    });
  });
}
