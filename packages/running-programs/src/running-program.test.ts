import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenUnix } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProgramEntry, runningPrograms, type RunningProgram } from './running-program.ts';

let folder: string;
let program: RunningProgram;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-service-'));
  program = { program: 'vpmem run', pid: process.pid, qmp: join(folder, 'q.qmp'), started: '2026-01-02T03:04:05.678Z', name: 'vm1' };
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('entries of running programs', () => {
  it('are there from first to last', () => {
    const entry = new ProgramEntry(folder, program);
    expect(readdirSync(folder)).toEqual([`vpmem-run-${process.pid}.json`]);
    expect(statSync(join(folder, `vpmem-run-${process.pid}.json`)).mode & 0o777).toBe(0o600);
    expect(runningPrograms([folder])).toEqual([program]);
    entry.remove();
    expect(runningPrograms([folder])).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a program that died without a word are cleaned away, its socket too', async () => {
    const index = new URL('../dist/index.js', import.meta.url).href;
    const script = `import(${JSON.stringify(index)}).then(({ ProgramEntry }) => {
      globalThis.entry = new ProgramEntry(${JSON.stringify(folder)}, { ...${JSON.stringify(program)}, pid: process.pid });
      console.log('made');
      setInterval(() => undefined, 1000);
    })`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const over = once(child, 'exit');
    await once(child.stdout, 'data');
    writeFileSync(join(folder, `vpmem-run-${child.pid}.qmp`), '');
    expect(runningPrograms([folder])).toEqual([{ ...program, pid: child.pid }]);
    child.kill('SIGKILL');
    await over;
    expect(runningPrograms([folder])).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a dead program and its sockets do not keep the packages that are imported next from what they need', () => {
    const put = (path: string, text: string): void => {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    put('app/main.js', '');
    put('store/node_modules/needy/index.js', "module.exports = require('needed')");
    put('store/node_modules/needed/index.js', "module.exports = 'found'");
    mkdirSync(join(folder, 'app/node_modules'));
    symlinkSync('../../store/node_modules/needy', join(folder, 'app/node_modules/needy'));
    const load = createRequire(join(folder, 'app/main.js'));
    // Folders that node has come through before are not looked at again.
    load('./main.js');
    const entries = join(folder, 'entries');
    put('entries/vpmem-run-1.json', JSON.stringify(program));
    for (const name of ['vpmem-run-1.qmp', 'vpmem-run-1.takeover']) closeSync(listenUnix(join(entries, name)));
    expect(runningPrograms([entries])).toEqual([]);
    expect(readdirSync(entries)).toEqual([]);
    expect(load('needy')).toBe('found');
  });

  it('make nothing else vanish, whatever they say', () => {
    writeFileSync(program.qmp, 'precious');
    writeFileSync(join(folder, 'dead.json'), JSON.stringify(program));
    expect(runningPrograms([folder])).toEqual([]);
    expect(readdirSync(folder)).toEqual(['q.qmp']);
  });

  it('are not believed where others can write', () => {
    const entry = new ProgramEntry(folder, program);
    chmodSync(folder, 0o777);
    expect(runningPrograms([folder])).toEqual([]);
    chmodSync(folder, 0o700);
    expect(runningPrograms([folder])).toEqual([program]);
    entry.remove();
  });

  it('are not confused by other files, which stay', () => {
    for (const [name, text] of [['a.json', 'x'], ['b.json', '{}'], ['c.json', 'null'], ['d', '']] as const) writeFileSync(join(folder, name), text);
    expect(runningPrograms([folder, '/no/such/folder'])).toEqual([]);
    expect(readdirSync(folder)).toEqual(['a.json', 'b.json', 'c.json', 'd']);
  });

  it('are not waited for or looked at where there is no file: a folder, a link, a pipe, a socket', () => {
    const entry = new ProgramEntry(folder, program);
    mkdirSync(join(folder, 'a.json'));
    symlinkSync(`vpmem-run-${process.pid}.json`, join(folder, 'b.json'));
    spawnSync('mkfifo', [join(folder, 'c.json')]);
    closeSync(listenUnix(join(folder, 'd.json')));
    writeFileSync(join(folder, 'e.json'), JSON.stringify({ ...program, name: 'x'.repeat(2 ** 20) }));
    expect(runningPrograms([folder])).toEqual([program]);
    entry.remove();
    expect(readdirSync(folder)).toEqual(['a.json', 'b.json', 'c.json', 'd.json', 'e.json']);
  });
});

