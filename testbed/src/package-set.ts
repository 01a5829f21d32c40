import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './cache-lock.ts';
import { PackageTree } from './package-tree.ts';
import { withSharedApt } from './shared-apt.ts';
import { cacheFolder, type PrepareOptions } from './testbed.ts';

/** The file of a finished set that says what was asked for. */
const MANIFEST = 'packages.json';
const STAGING = 'staging-packages-';

/**
 * Debian packages with all that they need, unpacked into a folder of the cache of their own, for the few tests that need them;
 * downloaded when they are first asked for. Any number of processes may do so at the same time.
 *
 * @param name of the folder; another name for other packages
 * @throws TestbedError if they cannot be had here
 */
export async function preparePackages(name: string, packages: readonly string[], options: PrepareOptions = {}): Promise<PackageTree> {
  const { environment = process.env, say = (line) => void process.stderr.write(`testbed: ${line}\n`) } = options;
  const cache = cacheFolder(environment);
  const folder = join(cache, name);
  const ready = (): boolean => existsSync(join(folder, MANIFEST));
  if (!ready()) {
    mkdirSync(cache, { recursive: true });
    // Not the testbed's own lock: neither is to wait for the other.
    await withLock(join(cache, `${name}.lock`), () => say('waiting for another process that prepares it'), async () => {
      if (!ready()) await build(cache, folder, name, packages, environment, say);
    });
  }
  return new PackageTree(join(folder, 'packages'));
}

async function build(cache: string, folder: string, name: string, packages: readonly string[], environment: NodeJS.ProcessEnv, say: (line: string) => void): Promise<void> {
  // One that was killed could not clean up after itself.
  for (const left of readdirSync(cache).filter((each) => each.startsWith(`${STAGING}${name}-`))) rmSync(join(cache, left), { recursive: true });
  say(`preparing in ${folder}`);
  const staging = mkdtempSync(join(cache, `${STAGING}${name}-`));
  try {
    const versions: Record<string, string> = {};
    await withSharedApt(cache, environment, say, async (apt) => {
      for (const each of packages) versions[each] = await apt.version(each);
      await new PackageTree(join(staging, 'packages')).unpack(await apt.downloadWithDependencies(packages));
    });
    writeFileSync(join(staging, MANIFEST), `${JSON.stringify(versions, undefined, 2)}\n`);
    renameSync(staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  say('ready');
}
