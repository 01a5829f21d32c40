// Programs of tests, which are TypeScript, as what node starts by itself.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/**
 * Writes a program of a package's `tests` into `.programs` of the package, without its types, and returns the path. A loader of
 * TypeScript in each process that a test starts takes half a second of a processor, which is more than the process does.
 *
 * @param program its address; it imports packages, and no file beside it but for types
 */
export function plainProgram(program: URL): string {
  const path = fileURLToPath(program);
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  const folder = join(dirname(dirname(path)), '.programs');
  mkdirSync(folder, { recursive: true });
  const plain = join(folder, basename(path).replace(/ts$/, 'js'));
  // Another file of the package's tests may be at it too.
  const own = `${plain}.${process.pid}`;
  writeFileSync(own, outputText);
  renameSync(own, plain);
  return plain;
}
