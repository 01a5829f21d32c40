import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import type { Tarball } from './tarballs.ts';

/**
 * What the built files of a tarball import, also late or for types alone, and would not find: a file that is not in it, or a package that
 * its package.json does not name. One line each.
 */
export function judgeImports({ file, manifest, entries }: Tarball): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-tarball-'));
  try {
    execFileSync('tar', ['-xzf', file, '-C', folder]);
    const packages = new Set([...Object.keys(manifest.dependencies ?? {}), manifest.name]);
    const has = (path: string): boolean => (path.endsWith('/') ? [...entries.keys()].some((each) => each.startsWith(path)) : entries.has(path));
    const built = [...entries.keys()].filter((path) => /^(?:dist|bin)\/.*\.(?:js|d\.ts)$/.test(path));
    return built.flatMap((path) => {
      const text = readFileSync(join(folder, 'package', path), 'utf8');
      return importsOf(text).flatMap((name) => {
        // Declarations name the source of what they declare: './noun.ts', which is './noun.d.ts' to the compiler.
        const target = join(dirname(path), name).replace(/(?<!\.d)\.ts$/, '.d.ts');
        if (name.startsWith('.')) return has(target) ? [] : [`${path} needs ${name}, which is not in it; see 'files' of package.json`];
        const [scope = '', rest = ''] = name.split('/');
        const own = scope.startsWith('@') ? `${scope}/${rest}` : scope;
        return isBuiltin(name) || packages.has(own) ? [] : [`${path} imports ${name}; put ${own} into the dependencies of package.json`];
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Import and export declarations, import() and import types, and what is started by its place: `new URL('./thread.js', import.meta.url)`. */
function importsOf(text: string): string[] {
  const { importedFiles } = ts.preProcessFile(text, true, false);
  return [...importedFiles.map(({ fileName }) => fileName), ...[...text.matchAll(/new URL\('(\.[^']+)', import\.meta\.url\)/g)].map((match) => match[1] ?? '')];
}
