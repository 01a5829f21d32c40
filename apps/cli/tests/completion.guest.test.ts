// What zsh and fish complete, and what mandoc says of our manual pages: programs of Debian's packages, no guest.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preparePackages, requireTestbed, type PackageTree } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const { testbed, reason } = await requireTestbed();
const APPS = fileURLToPath(new URL('../..', import.meta.url));
const VPMEM = join(APPS, 'cli/bin/vpmem.js');

describe.skipIf(testbed === undefined)(`shells and readers of manuals${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let packages: PackageTree;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    packages = await preparePackages('shells-1', ['zsh', 'fish', 'mandoc']);
    folder = mkdtempSync(join(tmpdir(), 'vpmem-shells-'));
    symlinkSync(VPMEM, join(folder, 'vpmem'));
    env = { PATH: `${folder}:${process.env.PATH ?? ''}`, HOME: folder, XDG_RUNTIME_DIR: folder, LANG: 'C.UTF-8' };
    // The first time they are downloaded.
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  const script = (shell: string): string => {
    const path = join(folder, `completion.${shell}`);
    writeFileSync(path, execFileSync(VPMEM, ['completion', shell], { env }));
    return path;
  };
  /** Runs a program of the packages; what it printed. */
  const run = (name: string, args: readonly string[]): string => {
    const [program = '', ...words] = packages.command(name);
    const { status, stdout, stderr, error } = spawnSync(program, [...words, ...args], { cwd: folder, env, encoding: 'utf8' });
    if (status !== 0 || stderr !== '') throw new Error(`${name} ended with ${status ?? error?.message}: ${stdout}${stderr}`);
    return stdout;
  };

  it('zsh understands its script, and offers what goes on without a blank and what does not apart', () => {
    const path = script('zsh');
    run('usr/bin/zsh', ['-n', path]);
    const asked = `module_path=(${packages.path('usr/lib/x86_64-linux-gnu/zsh/5.9')})
compdef() { print -r -- "compdef $*" }
compadd() { print -r -- "\${@[1,-2]} : \${(P)@[-1]} : \${(P)@[-3]}" }
source ${path}
words=(vpmemd -object memory-backend-file,sha) CURRENT=3 PREFIX=memory-backend-file,sha
_vpmem_words
words=(vpmem recording ver) CURRENT=3 PREFIX=ver
_vpmem_words`;
    expect(run('usr/bin/zsh', ['-f', '-c', asked]).split('\n')).toEqual([
      'compdef _vpmem_words vpmem vpmemd',
      expect.stringMatching(/^-l -S {2}-d open_texts -a : memory-backend-file,share= memory-backend-file,share-rw= : memory-backend-file,share= {2}-- guest writes reach the file /),
      expect.stringMatching(/^-l -d texts -a : verify : verify {2}-- look at every byte of it$/),
      '',
    ]);
  });

  it('fish completes by its script', () => {
    const path = script('fish');
    run('usr/bin/fish', ['--no-config', '-n', path]);
    const complete = (line: string): string[] => run('usr/bin/fish', ['--no-config', '-c', `source ${path}; complete -C '${line}'`]).split('\n').slice(0, -1);
    expect(complete('vpmem recording ver')).toEqual(['verify\tlook at every byte of it']);
    expect(complete('vpmemd -object memory-backend-file,share')).toEqual(['memory-backend-file,share=\tguest writes reach the file', 'memory-backend-file,share-rw=\tothers may write to the file too, if they say so (not in QEMU)']);
  });

  it.each(['cli/dist/man/vpmem.1', 'cli/dist/man/vpmem-run.1', 'daemon/dist/man/vpmemd.1'])('mandoc finds nothing wrong with %s', (page) => {
    expect(run('usr/bin/mandoc', ['-T', 'lint', '-W', 'warning', join(APPS, page)])).toBe('');
  });
});
