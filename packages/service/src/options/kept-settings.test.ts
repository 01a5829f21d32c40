import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';
import { readKeptSettings, type KeptSettings } from './kept-settings.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-kept-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(...words: string[]): KeptSettings {
  const request = readCommandLine(words, 'vpmemd');
  if (request.action !== 'run') throw new Error(request.action);
  return readKeptSettings(request.options);
}

describe('what a keeper reads', () => {
  it('stands on the command line', () => {
    expect(read('-keep', '-pidfile', 'p', '-D', 'log', '-daemonize', '-msg', 'level=error', '-run-with', 'user=me', '-run-with', 'exit-with-parent=on')).toMatchObject({
      messages: { level: 'error' },
      followsParent: true,
      pidFile: 'p',
      logFile: 'log',
      daemonize: true,
      takeover: undefined,
      terminalMonitor: undefined,
    });
  });

  it('or in a file', () => {
    const file = join(folder, 'vm.conf');
    writeFileSync(file, '[msg]\n  format = "json"\n[run-with]\n  exit-with-parent = "on"\n  user = "a,b"\n');
    expect(read('-readconfig', file)).toMatchObject({ messages: { format: 'json' }, followsParent: true, pidFile: undefined, daemonize: false });
  });

  it.each([[['-readconfig', '/no/such']], [['-msg', 'colour=red']], [['-run-with', 'exit-with-parent=perhaps']]])('is left to others where it is wrong: %j', (words) => {
    expect(read(...words)).toMatchObject({ messages: {}, followsParent: false });
  });

  it.each([
    [['-monitor', 'stdio'], '-monitor stdio'],
    [['-qmp', 'mon:stdio'], '-qmp mon:stdio'],
    [['-chardev', 'stdio,id=a'], '-chardev stdio,id=a'],
    [['-monitor', 'unix:stdio,server=on,wait=off'], undefined],
  ])('%j: a monitor on the terminal is %s', (words, expected) => {
    expect(read(...words).terminalMonitor).toBe(expected);
  });
});
