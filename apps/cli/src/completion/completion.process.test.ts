// What a real bash completes with what `vpmem completion bash` prints, and what a manual page has.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaemonProcess } from '@vpmem/daemon/process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const CLI = file('../..');

let folder: string;
let env: NodeJS.ProcessEnv;
let daemon: DaemonProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-completion-'));
  for (const name of ['bin', 'disks']) mkdirSync(join(folder, name));
  symlinkSync(join(CLI, 'bin/vpmem.js'), join(folder, 'bin/vpmem'));
  writeFileSync(join(folder, 'disks/a b.img'), '');
  env = { ...process.env, XDG_RUNTIME_DIR: folder, PATH: `${folder}/bin:${process.env.PATH ?? ''}` };
  daemon = await DaemonProcess.start(['-name', 'vm1', '-object', 'memory-backend-ram,id=mem1,size=4M', '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1'], { env, cwd: folder });
});
afterAll(async () => {
  await daemon.end();
  rmSync(folder, { recursive: true });
});

/** The words that bash would put in the place of its last one; `open` before them if no blank is to follow. */
function bash(...lines: string[]): string[][] {
  const script = `source <(vpmem completion bash)
compopt() { echo -n 'open '; }
for COMP_LINE; do
  COMP_POINT=\${#COMP_LINE}
  $(complete -p vpmem | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
  printf '%s|' "\${COMPREPLY[@]}"; echo
done`;
  const printed = execFileSync('bash', ['--norc', '-c', script, 'bash', ...lines], { cwd: folder, env, encoding: 'utf8' });
  return printed.split('\n').slice(0, -1).map((line) => line.split('|').slice(0, -1));
}

describe('bash', () => {
  it('completes commands, options, types, properties, values, files, and names of what runs', () => {
    const found = bash(
      'vpmem up',
      'vpmem upgrade ',
      'vpmem explore --wor',
      'vpmemd -object memory-backend-f',
      'vpmemd -object memory-backend-file,sha',
      'vpmemd -object memory-backend-file,id=mem1,share=o',
      'vpmemd -object memory-backend-file,mem-path=disks/a',
      'vpmemd -object memory-backend-file,id=mem1 -device virtio-pmem-pci,memdev=',
      'vpmem run -device nv',
      'vpmem recording info disks/',
      'vpmem qmp vm1 query-pm',
    );
    expect(found).toEqual([
      ['upgrade'],
      // And whatever else runs on this machine, which other tests may have started for the system.
      expect.arrayContaining(['vm1']),
      ['--worker'],
      ['open memory-backend-file,'],
      ['open memory-backend-file,share=', 'memory-backend-file,share-rw='],
      ['open on', 'off'],
      ['open disks/a\\ b.img'],
      ['open mem1'],
      ['open nvdimm,'],
      ['disks/a\\ b.img'],
      ['query-pmem'],
    ]);
  });
});

it('a shell that there is no script for is an error that names those there are', () => {
  const { status, stdout, stderr } = spawnSync(join(CLI, 'bin/vpmem.js'), ['completion', 'tcsh'], { encoding: 'utf8' });
  expect([status, stdout, stderr]).toEqual([1, '', 'vpmem: completion tcsh: there is no script for it; there is one for bash, zsh, fish\n']);
});

describe('manual pages', () => {
  const page = (path: string): string => readFileSync(join(CLI, path), 'utf8').replaceAll('\\-', '-').replaceAll(/\\f[BIR]/g, '');

  it('are where package.json says', () => {
    for (const each of [CLI, join(CLI, '../daemon')]) {
      const { man } = JSON.parse(readFileSync(join(each, 'package.json'), 'utf8')) as { man: string | string[] };
      expect([man].flat().filter((path) => !existsSync(join(each, path)))).toEqual([]);
    }
  });

  it('have what --help and -help list', () => {
    const help = (command: string[]): string => execFileSync(join(CLI, 'bin/vpmem.js'), command, { encoding: 'utf8' });
    const long = [...help(['explore', '--help']).matchAll(/^ {2}(--[\w-]+)/gm)].map(([, option]) => option ?? '');
    const short = [...help(['run', '-help']).matchAll(/^ {2}(-[\w-]+)/gm)].map(([, option]) => option ?? '');
    expect(long.length).toBeGreaterThan(20);
    expect(short.length).toBeGreaterThan(15);
    const [vpmem, run] = [page('dist/man/vpmem.1'), page('dist/man/vpmem-run.1')];
    expect(long.filter((option) => !new RegExp(`^${option}\\b`, 'm').test(vpmem))).toEqual([]);
    expect(short.filter((option) => !new RegExp(`^${option}\\b`, 'm').test(run))).toEqual([]);
  });
});
