/** Which modules a kernel has, as depmod and the kernel's own build describe them. */
export interface ModuleIndex {
  /** Path of each module by its name. */
  readonly paths: ReadonlyMap<string, string>;
  /** Names of the modules a module needs, by its name. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Names of what is not a module because the kernel has it built in. */
  readonly builtIn: ReadonlySet<string>;
}

/** Reads `modules.dep` and `modules.builtin`. */
export function parseModules(dependencies: string, builtIn: string): ModuleIndex {
  const paths = new Map<string, string>();
  const needs = new Map<string, string[]>();
  for (const line of dependencies.split('\n')) {
    const [path, rest] = line.split(':');
    if (path === undefined || rest === undefined) continue;
    paths.set(moduleName(path), path);
    needs.set(moduleName(path), rest.split(' ').filter(Boolean).map(moduleName));
  }
  return { paths, needs, builtIn: new Set(builtIn.split('\n').filter(Boolean).map(moduleName)) };
}

/**
 * Paths of the wanted modules and of all they need, each after what it needs. What is built in is left out.
 *
 * @throws Error for a module the kernel does not have
 */
export function orderModules(index: ModuleIndex, wanted: readonly string[]): string[] {
  const order = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) throw new Error(`modules need each other: ${[...path, name].join(' → ')}`);
    if (index.builtIn.has(name)) return;
    const file = index.paths.get(name);
    if (file === undefined) throw new Error(`the kernel has no module '${name}'`);
    // modules.dep names the nearest first, and what those need after them.
    for (const need of index.needs.get(name) ?? []) visit(need, [...path, name]);
    order.add(file);
  };
  for (const name of wanted) visit(moduleName(name), []);
  return [...order];
}

/** `kernel/fs/xfs/xfs.ko.xz` → `xfs`; the kernel holds `-` and `_` for the same. */
export function moduleName(path: string): string {
  return (path.split('/').at(-1) ?? '').replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}
