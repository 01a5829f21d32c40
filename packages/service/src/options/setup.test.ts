import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';
import { SetupError } from './setup-error.ts';
import { located } from './setup-option.ts';
import { readSetup, type Setup } from './setup.ts';
import type { ProgramName } from './option-table.ts';
import { OptionError } from '@vpmem/options';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-service-'));
  file = join(folder, 'vm.conf');
});
afterEach(() => rmSync(folder, { recursive: true }));

function setup(words: readonly string[], program: ProgramName = 'vpmemd'): Setup {
  const request = readCommandLine(words, program);
  if (request.action !== 'run') throw new Error(`expected options to run with, not ${request.action}`);
  return readSetup(request.options, program);
}

describe('readSetup', () => {
  it('merges what may be given again, later values before earlier ones', () => {
    const { name, messages } = setup(['-name', 'a', '-msg', 'level=debug,format=json', '-name', 'guest=b', '-msg', 'format=text']);
    expect({ name, messages }).toEqual({ name: 'b', messages: { level: 'debug', format: 'text', timestamp: false, 'guest-name': false } });
  });

  it('has defaults for a command line that says nothing', () => {
    expect(setup([])).toEqual({
      name: undefined, objects: [], devices: [], recordFolder: undefined, machine: [], memory: [], paused: false, monitors: [], pidFile: undefined, logFile: undefined,
      daemonize: false, takeover: undefined, runWith: { 'exit-with-parent': false, 'restart-burst': 5 }, messages: { level: 'info', format: 'text', timestamp: false, 'guest-name': false }, warnings: [],
    });
  });

  it('puts what a file says in the place of -readconfig, read by the same grammar', () => {
    writeFileSync(file, '[object "b"]\nqom-type = "memory-backend-ram"\nsize = "4M"\n[mon]\nchardev = "c"\n[chardev "c"]\nbackend = "socket"\npath = "a,b"\n');
    const { objects, monitors } = setup(['-object', 'memory-backend-ram,id=a', '-readconfig', file, '-object', 'memory-backend-ram,id=c']);
    expect(objects.map(({ parsed }) => parsed.properties)).toEqual([
      { 'qom-type': 'memory-backend-ram', id: 'a' },
      { 'qom-type': 'memory-backend-ram', id: 'b', size: '4M' },
      { 'qom-type': 'memory-backend-ram', id: 'c' },
    ]);
    expect(monitors.map(({ name, text }) => [name, text])).toEqual([['mon', 'chardev=c'], ['chardev', 'id=c,backend=socket,path=a,,b']]);
  });

  it('knows of every option where it stands: on the command line, or at a line of a file', () => {
    writeFileSync(file, '\n[object "b"]\nqom-type = "memory-backend-ram"\nsize = "x"\n');
    const [first, second] = setup(['-object', 'memory-backend-ram,id=a', '-readconfig', file]).objects;
    expect(first?.location('size')).toBe('-object memory-backend-ram,id=a');
    expect([second?.location('size'), second?.location(), second?.location('align')]).toEqual([`${file}:4`, `${file}:2`, `${file}:2`]);
    const mistake = (): never => {
      throw new OptionError('invalid-value', 'too small', { parameter: 'size', hint: 'Give more.' });
    };
    expect(() => located(second!.location, mistake)).toThrow(new SetupError(`${file}:4: too small (Give more.)`));
  });

  it('takes names for guest and process; threads have theirs anyway', () => {
    expect(setup(['-name', 'guest=a,process=p,debug-threads=on'])).toMatchObject({ name: 'a', processName: 'p', warnings: [] });
    expect(setup(['-name', 'a,debug-threads=off']).warnings).toEqual(['-name a,debug-threads=off: debug-threads has no effect: threads are named anyway']);
  });

  it('knows an object that is a monitor from one of the machine', () => {
    const given = setup(['-object', 'monitor-qmp,id=q,chardev=c', '-object', 'memory-backend-ram,id=m,size=2M', '-chardev', 'null,id=c', '-object', 'monitor-hmp,help']);
    expect(given.monitors.map(({ text }) => text)).toEqual(['null,id=c', 'monitor-qmp,id=q,chardev=c']);
    expect(given.objects.map(({ text }) => text)).toEqual(['memory-backend-ram,id=m,size=2M', 'monitor-hmp,help']);
  });

  it('passes on what the grammar warns of', () => {
    expect(setup(['-object', 'memory-backend-file,id=a,share']).warnings).toEqual([
      "-object memory-backend-file,id=a,share: short-form boolean option 'share' deprecated, write share=on instead",
    ]);
  });

  it.each([
    [['-name', 'a,debug-threads=maybe'], /^-name a,debug-threads=maybe: Parameter 'debug-threads' expects 'on' or 'off'/],
    [['-object', 'memory-backend-ram,id=m,size=2M', '-object', 'monitor-qmp,id=m,chardev=c'], /^-object memory-backend-ram,id=m,size=2M: there is a monitor 'm' already/],
    [['-name', 'a', '-name', 'x=1', '-name', 'b'], /^-name x=1: Invalid parameter 'x'/],
    [['-msg', 'level=loud'], /^-msg level=loud: .*'debug', 'info', 'warning' or 'error'/],
    [['-msg', 'timestamps=on'], /^-msg timestamps=on: .*did you mean 'timestamp'/],
    [['-object', '{'], /^-object \{: JSON parse error/],
    [['-readconfig', '/no/such/file'], /^-readconfig \/no\/such\/file: cannot be read: ENOENT/],
  ])('%j is refused', (words, message) => {
    expect(() => setup(words)).toThrow(SetupError);
    expect(() => setup(words)).toThrow(message);
  });

  it('refuses in a file what the program does not take, at its line', () => {
    writeFileSync(file, '[name]\nguest = "a"\n[memory]\nsize = "1G"\n');
    expect(() => setup(['-readconfig', file])).toThrow(new SetupError(`${file}:3: vpmemd does not take it: machine, memory and processors are the VM's own; give it to the VM`));
    expect(setup(['-readconfig', file], 'vpmem run').memory.map(({ text }) => text)).toEqual(['size=1G']);
  });

  it('tells the line of a bad -name or -msg in a file', () => {
    writeFileSync(file, '[msg]\ntimestamp = "on"\nlevel = "loud"\n');
    expect(() => setup(['-readconfig', file])).toThrow(/vm\.conf:3: /);
  });
});
