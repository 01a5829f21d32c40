import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUITES } from './apt-configuration.ts';
import { formatSource, type AptSource } from './apt-sources.ts';
import { runProgram, tail, tryProgram } from './program.ts';
import { TestbedError } from './testbed-error.ts';

/** What apt says when it is the signature that it does not like. */
const SIGNATURE_PROBLEM = /NO_PUBKEY|is not signed|signatures? (?:couldn't|could not) be verified|signatures were invalid|Sub-process .*sqv|EXPKEYSIG|Missing key/i;

/** Milliseconds. */
const LISTS_ARE_NEW_FOR = 3600 * 1000;

/**
 * The machine's apt with directories of its own: its settings (proxies, certificates, passwords, keys) are those of the
 * machine, but it knows no installed package, and nothing outside the folder changes. It needs no root.
 */
export class PrivateApt {
  readonly #folder: string;
  readonly #say: (line: string) => void;
  // What it says is read, so it has to say it in English.
  readonly #environment = { ...process.env, LC_ALL: 'C' };

  constructor(folder: string, say: (line: string) => void) {
    this.#folder = folder;
    this.#say = say;
    for (const each of ['parts', 'state/lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, each), { recursive: true });
    // Left alone where it is there: apt's cache is one of files at a time.
    writeFileSync(this.#path('status'), '', { flag: 'a' });
    writeFileSync(this.#path('preferences'), PREFERENCES);
    writeFileSync(this.#path('apt.conf'), settings(folder));
  }

  /**
   * Reads the lists of packages, unless that was done within the hour; of several plans the first whose signatures can be checked.
   *
   * @throws TestbedError
   */
  async update(plans: readonly AptSource[][]): Promise<void> {
    const wanted = JSON.stringify(plans);
    if (this.#areListsNew(wanted)) return;
    this.forgetLists();
    const problems: string[] = [];
    for (const plan of plans) {
      writeFileSync(this.#path('sources.sources'), plan.map(formatSource).join('\n'));
      const { status, output } = await tryProgram(this.#command('apt-get', '-q', 'update'), { env: this.#environment, onLine: this.#progress });
      if (status === 0) {
        writeFileSync(this.#path('updated'), wanted);
        return;
      }
      problems.push(tail(output, 2000));
      if (!SIGNATURE_PROBLEM.test(output)) break;
    }
    const hint = problems.some((problem) => SIGNATURE_PROBLEM.test(problem)) ? '\nThe keys this machine trusts are too old for it: a newer debian-archive-keyring is needed.' : '';
    throw new TestbedError('unavailable', `apt cannot read the lists of packages:\n${problems.join('\n')}${hint}`);
  }

  /** Has the lists read anew when they are wanted next: those that name what the mirror no longer has are not to be kept for an hour. */
  forgetLists(): void {
    rmSync(this.#path('updated'), { force: true });
  }

  #areListsNew(wanted: string): boolean {
    const updated = this.#path('updated');
    return existsSync(updated) && readFileSync(updated, 'utf8') === wanted && Date.now() - statSync(updated).mtimeMs < LISTS_ARE_NEW_FOR;
  }

  /** Names of all packages that begin so. */
  async names(prefix: string): Promise<string[]> {
    const names = await this.#run('apt-cache', 'pkgnames', prefix);
    return names.toString().split('\n').filter(Boolean);
  }

  /** The version of a package that would be taken. */
  async version(name: string): Promise<string> {
    const policy = await this.#run('apt-cache', 'policy', name);
    const version = /Candidate: (\S+)/.exec(policy.toString())?.[1];
    if (version === undefined || version === '(none)') throw new TestbedError('unavailable', `the mirror has no package '${name}'`);
    return version;
  }

  /** Downloads packages and all they depend on. @returns paths of the .deb files, which are there until the next call */
  async downloadWithDependencies(packages: readonly string[]): Promise<string[]> {
    const archives = this.#path('cache/archives');
    // An attempt that was broken off may have left others.
    this.clean();
    await this.#run('apt-get', '-q', '-y', '--no-install-recommends', '--download-only', 'install', ...packages);
    return readdirSync(archives).filter((name) => name.endsWith('.deb')).map((name) => join(archives, name));
  }

  /** Downloads just these packages into a folder. @returns paths of the .deb files */
  async download(packages: readonly string[], folder: string): Promise<string[]> {
    mkdirSync(folder, { recursive: true });
    await runProgram(this.#command('apt-get', '-q', 'download', ...packages), { cwd: folder, env: this.#environment, onLine: this.#progress });
    return readdirSync(folder).map((name) => join(folder, name));
  }

  /** Gives back the room that downloads take. */
  clean(): void {
    rmSync(this.#path('cache/archives'), { recursive: true, force: true });
    mkdirSync(this.#path('cache/archives/partial'), { recursive: true });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #run(program: string, ...args: string[]): Promise<Buffer> {
    return runProgram(this.#command(program, ...args), { env: this.#environment, onLine: this.#progress });
  }

  #command(program: string, ...args: string[]): string[] {
    return [program, '-c', this.#path('apt.conf'), ...args];
  }

  readonly #progress = (line: string): void => {
    if (/^(Get:|Err:|E:|W:|Fetched)/.test(line)) this.#say(line);
  };
}

/** One release for everything, so that its libraries fit together; what backports has is newer and fits as well. */
const PREFERENCES = [
  ['*', SUITES.newest, 990],
  ['*', SUITES.oldest, 1],
]
  .map(([packages, suite, priority]) => `Package: ${packages}\nPin: release n=${suite}\nPin-Priority: ${priority}\n`)
  .join('\n');

/** Read after the machine's own settings. Hooks are left out: they are meant for a change of the machine, and this is none. */
function settings(folder: string): string {
  const values = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    // An image of a container has none, and each program would read all lists anew.
    'Dir::Cache::pkgcache': 'pkgcache.bin',
    'Dir::Cache::srcpkgcache': '',
    'Dir::Etc::sourcelist': join(folder, 'sources.sources'),
    'Dir::Etc::sourceparts': join(folder, 'parts'),
    'Dir::Etc::preferences': join(folder, 'preferences'),
    'Dir::Etc::preferencesparts': join(folder, 'parts'),
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'APT::Keep-Downloaded-Packages': 'true',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const cleared = ['APT::Update', 'APT::Install', 'DPkg', 'APT::Architectures', 'Acquire::Languages', 'Acquire::IndexTargets::deb::DEP-11'];
  return [...cleared.map((name) => `#clear ${name};`), ...Object.entries(values).map(([name, value]) => `${name} "${value}";`), ''].join('\n');
}
