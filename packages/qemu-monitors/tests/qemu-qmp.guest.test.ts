// QEMU's own client and shell for QMP, from its Python package, at a bare QEMU and at one behind us.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { preparePackages, requireTestbed, startQtest, type PackageTree, type Qtest } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RelayedQemu } from './relayed-qemu.ts';

const { testbed, reason } = await requireTestbed();
const run = promisify(execFile);

/** What a client does, and prints as JSON: greeting, answers, errors, an event. */
const CLIENT = `
import asyncio, json, sys
from qemu.qmp import EventListener, ExecuteError, QMPClient

async def main():
    client = QMPClient('test')
    await client.connect(sys.argv[1])
    said = [str(client.greeting._raw)]
    async def ask(command, arguments=None):
        try:
            said.append([command, await client.execute(command, arguments)])
        except ExecuteError as error:
            said.append([command, error.error.error.class_, str(error)])
    with client.listener(('RESUME', 'STOP')) as listener:
        await ask('query-version')
        await ask('query-status')
        await ask('query-memory-devices')
        await ask('qom-list', {'path': '/machine/peripheral'})
        await ask('qom-get', {'path': '/machine', 'property': 'type'})
        await ask('object-add', {'qom-type': 'rng-random', 'id': 'rng0'})
        await ask('device_add', {'driver': 'virtio-rng-pci', 'rng': 'rng0', 'id': 'r0', 'bus': 'pcie.7'})
        await ask('device_del', {'id': 'none'})
        await ask('object-del', {'id': 'rng0'})
        await ask('human-monitor-command', {'command-line': 'info status'})
        await ask('no-such-command')
        await ask('cont')
        await ask('stop')
        said.append([(await listener.get())['event'] for _ in range(2)])
    await client.disconnect()
    print(json.dumps(said))

asyncio.run(main())
`;

describe.skipIf(testbed === undefined)(`qemu.qmp${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-qmp-'));
  let python: PackageTree;
  let bare: Qtest;
  let behind: RelayedQemu;
  beforeAll(async () => {
    python = await preparePackages('qemu-qmp-1', ['python3-qemu-qmp', 'python3']);
    writeFileSync(join(folder, 'client.py'), CLIENT);
    const qmp = (path: string): string[] => ['-M', 'q35', '-qmp', `unix:${path}/qmp,server=on,wait=off`];
    bare = await startQtest({ testbed: testbed!, qemuArgs: ['-S', ...qmp(folder)] });
    behind = await RelayedQemu.start(testbed!, qmp);
  });
  afterAll(async () => {
    await behind.stop();
    await bare.stop();
    rmSync(folder, { recursive: true });
  });

  const interpreter = async (args: readonly string[], input = ''): Promise<string> => {
    const [command = '', ...words] = python.command('usr/bin/python3');
    const env = { ...process.env, PYTHONHOME: python.path('usr'), PYTHONPATH: python.path('usr/lib/python3/dist-packages'), PYTHONDONTWRITEBYTECODE: '1', HOME: folder, TERM: 'dumb' };
    const running = run(command, [...words, ...args], { env });
    running.child.stdin?.end(input);
    return (await running).stdout;
  };

  it('hears the same from both', async () => {
    const [from, through] = [await interpreter([join(folder, 'client.py'), join(folder, 'qmp')]), await interpreter([join(folder, 'client.py'), behind.path('qmp')])];
    expect(JSON.parse(from)).toHaveLength(15);
    expect(through).toBe(from);
  });

  it.each([
    ['QMP', [], 'query-status\nquery-name\nqom-get path=/machine property=type\nno-such-command\n'],
    ['HMP', ['-H'], 'info status\ninfo kvm\nnonsense\n'],
  ])("has a shell, for %s, in which both are alike", async (_, options, lines) => {
    const shell = async (path: string): Promise<string> => await interpreter(['-m', 'qemu.qmp.qmp_shell', ...options, path], lines);
    const from = await shell(join(folder, 'qmp'));
    expect(from).toMatch(/Connected to QEMU \d/);
    expect(await shell(behind.path('qmp'))).toBe(from);
  });
});
