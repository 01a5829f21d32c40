import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';

export const SCOPE = '@vpmem/';

/** The part of a package.json that the checks look at. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly private?: boolean;
  readonly homepage?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly man?: string | readonly string[];
  readonly files?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** One TypeScript file below a package's `src`. */
export interface Source {
  /** From the root. */
  readonly file: string;
  readonly text: string;
  readonly test: boolean;
  /** What it imports, type-only imports too, as written. */
  readonly imports: readonly string[];
}

/** A package or an app as it is on disk. */
export interface WorkspacePackage {
  /** From the root: `packages/layout`. */
  readonly folder: string;
  readonly kind: 'package' | 'app';
  /** The folder's own name, which is the package's without its scope. */
  readonly name: string;
  /** Absent where there is no package.json. */
  readonly manifest: Manifest | undefined;
  readonly sources: readonly Source[];
}

/** Every package and app, by folder. Folders with neither package.json nor sources are left-overs of a build. */
export function readWorkspace(): WorkspacePackage[] {
  return [...readFolder('packages', 'package'), ...readFolder('apps', 'app')];
}

export function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}

/** Names, without scope, of the packages of this workspace among `dependencies`. */
export function ownDependencies(dependencies: Readonly<Record<string, string>> | undefined): string[] {
  return Object.keys(dependencies ?? {}).filter((name) => name.startsWith(SCOPE)).map((name) => name.slice(SCOPE.length));
}

/** Every file below `folder` whose name ends in `suffix`, sorted; nothing that was installed or built. */
export function findFiles(folder: string, suffix: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) || entry.name.startsWith('.') ? [] : findFiles(path, suffix);
      return entry.name.endsWith(suffix) ? [path] : [];
    })
    .sort();
}

function readFolder(parent: string, kind: WorkspacePackage['kind']): WorkspacePackage[] {
  return readdirSync(parent)
    .sort()
    .map((name) => join(parent, name))
    .filter((folder) => existsSync(join(folder, 'package.json')) || existsSync(join(folder, 'src')))
    .map((folder) => {
      const file = join(folder, 'package.json');
      return {
        folder,
        kind,
        name: basename(folder),
        manifest: existsSync(file) ? readManifest(file) : undefined,
        sources: findFiles(join(folder, 'src'), '.ts').map(readSource),
      };
    });
}

function readSource(file: string): Source {
  const text = readFileSync(file, 'utf8');
  const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  return { file, text, test: file.endsWith('.test.ts'), imports };
}
