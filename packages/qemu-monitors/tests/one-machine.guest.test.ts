// A QEMU without a guest, whose monitors are ours: one machine, QEMU's and ours together, and nothing that leads past us.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { adoptSocket, connectUnix, EventLoop, UnixStream } from '@vpmem/native';
import { QmpClient } from '@vpmem/qmp/client';
import { RawConnection } from '@vpmem/qmp/testing';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RelayedQemu } from './relayed-qemu.ts';

const { testbed, reason } = await requireTestbed();
const MIB = 2 ** 20;

function withPipes(folder: string, args: readonly string[]): readonly string[] {
  execFileSync('mkfifo', [join(folder, 'pipe.in'), join(folder, 'pipe.out')]);
  return args;
}

describe.skipIf(testbed === undefined)(`the monitors of a QEMU command line${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let qemu: RelayedQemu;
  let client: QmpClient;
  beforeAll(async () => {
    qemu = await RelayedQemu.start(testbed!, (folder) => withPipes(folder, [
      ...['-M', 'q35', '-m', '64M,slots=8,maxmem=4G', '-device', 'pcie-root-port,id=rp1,chassis=1,slot=1', '-device', 'pcie-root-port,id=rp2,chassis=2,slot=2'],
      ...['-object', `memory-backend-memfd,id=ram,size=64M,share=on`, '-machine', 'memory-backend=ram'],
      ...['-object', `memory-backend-file,id=cold,size=8M,share=on,mem-path=${folder}/cold.img`],
      ...['-chardev', `socket,id=charmonitor,path=${folder}/qmp,server=on,wait=off`, '-mon', 'chardev=charmonitor,id=monitor,mode=control'],
      ...['-monitor', `unix:${folder}/hmp,server=on,wait=off`, '-qmp', `pipe:${folder}/pipe`],
    ]));
  });
  afterAll(() => qemu.stop());
  beforeEach(async () => (client = await QmpClient.connect({ path: qemu.path('qmp') })));
  /** Run after a test, however it ended. */
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    client.close();
    for (const end of ends.splice(0)) await end();
  });

  const file = (id: string, size = 8 * MIB): Record<string, unknown> => ({ 'qom-type': 'memory-backend-file', id, share: true, size, 'mem-path': qemu.path(`${id}.img`) });
  const ask = (command: string, args: Record<string, unknown> = {}): Promise<unknown> => client.executeAny(command, args);
  const objects = async (): Promise<string[]> => ((await ask('qom-list', { path: '/objects' })) as { name: string }[]).map(({ name }) => name);
  const memdevs = async (): Promise<unknown[]> => ((await ask('query-memdev')) as { id: string }[]).map(({ id }) => id);

  it('say which QEMU it is, and that it is QEMU', async () => {
    expect(await ask('query-version')).toMatchObject({ qemu: { major: Number(testbed?.qemuVersion.split('.')[0]) } });
    expect(await ask('query-status')).toEqual({ running: false, status: 'prelaunch' });
  });

  it('have a backend here that nobody has wanted yet, and one device of both machines', async () => {
    await ask('object-add', file('m1'));
    expect(await objects()).toEqual(expect.arrayContaining(['m1', 'ram']));
    expect(await memdevs()).toEqual(expect.arrayContaining(['m1', 'ram']));
    expect(qemu.machine.ownsObject('m1')).toBe(true);
    await ask('device_add', { driver: 'virtio-pmem-pci', id: 'nv1', memdev: '/objects/m1', bus: 'rp1', vectors: 0 });
    expect(await ask('query-pmem')).toMatchObject([{ id: 'nv1', connected: true }]);
    expect(await ask('query-memory-devices')).toMatchObject([{ type: 'virtio-pmem', data: { id: 'nv1', size: 8 * MIB, memdev: '/objects/m1' } }]);
    expect(await ask('qom-get', { path: '/machine/peripheral/nv1', property: 'memdev' })).toBe('/objects/m1');
    await expect(ask('object-del', { id: 'm1' })).rejects.toThrow(/in use/);
  });

  it.each([
    ['migrate', { uri: 'exec:cat' }],
    ['snapshot-save', { 'job-id': 'j', tag: 't', vmstate: 'd', devices: [] }],
    ['migrate-incoming', { uri: 'tcp:localhost:1' }],
  ])('refuse %s with a device that cannot be migrated', async (command, args) => {
    await expect(ask(command, args)).rejects.toThrow(/^State blocked by non-migratable device 'nv1'/);
  });

  it.each(['savevm x', 'loadvm x', 'migrate exec:cat', 'migrate -d exec:cat'])('refuse "%s" as a line too', async (line) => {
    expect(await ask('human-monitor-command', { 'command-line': line })).toMatch(/^Error: State blocked by non-migratable device 'nv1'/);
  });

  it('give QEMU the backend that a device of its own wants, and take it back', async () => {
    await ask('object-add', file('m2', 128 * MIB));
    await ask('device_add', { driver: 'pc-dimm', id: 'dimm1', memdev: 'm2' });
    expect(qemu.machine.ownsObject('m2')).toBe(false);
    expect(await ask('query-memory-devices')).toMatchObject([{ type: 'dimm', data: { id: 'dimm1', memdev: '/objects/m2' } }, { type: 'virtio-pmem' }]);
    await expect(ask('device_add', { driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'm2', bus: 'rp2' })).rejects.toThrow("can't use already busy memdev: m2");
    await ask('object-add', file('m3', 128 * MIB));
    // Refused by QEMU, for a property that it does not have.
    await expect(ask('device_add', { driver: 'pc-dimm', id: 'dimm2', memdev: 'm3', colour: 'red' })).rejects.toThrow(/colour/);
    await ask('device_add', { driver: 'virtio-pmem-pci', id: 'nv3', memdev: 'm3', bus: 'rp2', vectors: 0 });
    expect(qemu.machine.ownsObject('m3')).toBe(true);
    expect((await objects()).filter((name) => name === 'm3')).toHaveLength(1);
  });

  it('have a backend of the command line for a device of ours', async () => {
    expect(qemu.machine.ownsObject('cold')).toBe(false);
    await expect(ask('device_add', { driver: 'virtio-pmem-pci', id: 'nv4', memdev: 'cold', bus: 'rp9', vectors: 0 })).rejects.toThrow(/rp9/);
    expect(qemu.machine.ownsObject('cold')).toBe(true);
    expect(await memdevs()).toContain('cold');
    await expect(ask('device_add', { driver: 'virtio-pmem-pci', id: 'nv4', memdev: 'ram', vectors: 0 })).rejects.toThrow("can't use already busy memdev: ram");
  });

  it('make RAM for QEMU shareable, which devices outside it have to see', async () => {
    await ask('object-add', { 'qom-type': 'memory-backend-ram', id: 'd1', size: 128 * MIB });
    await ask('device_add', { driver: 'pc-dimm', id: 'dimm3', memdev: 'd1' });
    expect(((await ask('query-memdev')) as { id: string; share: boolean }[]).find(({ id }) => id === 'd1')).toMatchObject({ share: true });
  });

  it('give QEMU a backend with properties that only QEMU has, and say so when a device of ours wants it', async () => {
    await ask('object-add', { ...file('m4'), 'x-use-canonical-path-for-ramblock-id': true });
    expect(await objects()).toContain('m4');
    await ask('object-del', { id: 'm4' });
    expect(await objects()).not.toContain('m4');
    await expect(ask('object-add', { ...file('m5'), colour: 'red' })).rejects.toThrow("Parameter 'colour' is unexpected");
    expect(existsSync(qemu.path('m5.img'))).toBe(false);
  });

  it('do not let a monitor be made or moved that would bypass vpmem', async () => {
    await expect(ask('object-add', { 'qom-type': 'monitor-qmp', id: 'other', chardev: 'charmonitor' })).rejects.toThrow(/bypass vpmem/);
    await expect(ask('chardev-change', { id: 'charmonitor', backend: { type: 'null', data: {} } })).rejects.toThrow(/bypass vpmem/);
  });

  it('take and hand on descriptors that come with a message', async () => {
    writeFileSync(qemu.path('handed'), 'what the descriptor leads to');
    client.close();
    const loop = new EventLoop();
    const pumping = loop.pump();
    const raw = new UnixStream(adoptSocket(connectUnix(qemu.path('qmp'))), loop);
    ends.push(async () => {
      raw.destroy();
      loop.stop();
      await pumping;
      loop.close();
    });
    let heard = '';
    raw.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    const said = async (): Promise<string> => {
      while (!heard.includes('\n')) await once(raw, 'data');
      const end = heard.indexOf('\n') + 1;
      const line = heard.slice(0, end);
      heard = heard.slice(end);
      return line;
    };
    const send = (text: string, fds: number[] = []): unknown => raw.writeWith(Buffer.from(text), fds);
    expect(await said()).toContain('QMP');
    send('{"execute": "qmp_capabilities"}');
    expect(await said()).toBe('{"return": {}}\r\n');
    send('{"execute": "getfd", "arguments": {"fdname": "one"}}', [openSync(qemu.path('handed'), 'r')]);
    expect(await said()).toBe('{"return": {}}\r\n');
    send('{"execute": "add-fd", "arguments": {"fdset-id": 7}}', [openSync(qemu.path('handed'), 'r')]);
    expect(await said()).toMatch(/"fdset-id": 7/);
    send('{"execute": "getfd", "arguments": {"fdname": "two"}}');
    expect(await said()).toContain('No file descriptor supplied via SCM_RIGHTS');
    send('{"execute": "query-fdsets"}');
    expect(await said()).toMatch(/"fdset-id": 7/);
    send('{"execute": "closefd", "arguments": {"fdname": "one"}}');
    expect(await said()).toBe('{"return": {}}\r\n');
  });

  it('answer in the order of the questions, ours among those of QEMU', async () => {
    client.close();
    const raw = new RawConnection(connect({ path: qemu.path('qmp') }));
    ends.push(() => raw.close());
    await raw.open();
    const commands = ['query-name', 'query-pmem', 'query-name', 'query-memdev', 'query-pmem', 'query-status', 'nonsense', 'query-pmem'];
    raw.send(commands.map((execute, id) => JSON.stringify({ execute, id })).join(''));
    const ids: unknown[] = [];
    while (ids.length < commands.length) ids.push((await raw.message()).id);
    expect(ids).toEqual(commands.map((_, id) => id));
  });

  it('have nothing of ours before the negotiation', async () => {
    client.close();
    const raw = new RawConnection(connect({ path: qemu.path('qmp') }));
    ends.push(() => raw.close());
    await raw.message();
    raw.send('{"execute": "query-pmem", "id": 1}');
    expect(await raw.message()).toMatchObject({ id: 1, error: { class: 'CommandNotFound', desc: "Expecting capabilities negotiation with 'qmp_capabilities'" } });
  });

  it('are on pipes too', async () => {
    const input = openSync(qemu.path('pipe.in'), 'w');
    writeSync(input, '{"execute": "qmp_capabilities"}{"execute": "query-pmem", "id": 1}');
    let text = '';
    for await (const chunk of createReadStream(qemu.path('pipe.out'))) {
      text += String(chunk);
      if (text.includes('"id": 1')) break;
    }
    closeSync(input);
    expect(text).toMatch(/^\{"QMP"[^]*"id": "nv1"[^]*"id": 1\}\r\n$/);
  });

  it('speak to people as QEMU does, of both', async () => {
    const lines: string[] = [];
    const socket = connect(qemu.path('hmp'));
    ends.push(() => socket.destroy());
    let text = '';
    const until = async (what: string): Promise<void> => {
      while (!text.includes(what)) text += String(((await once(socket, 'data')) as [Buffer])[0]);
      lines.push(text.replaceAll('\r', ''));
      text = '';
    };
    await until('(qemu) ');
    expect(lines.at(-1)).toMatch(/^QEMU \d+\.\d+\.\d+ monitor - type 'help' for more information\n\(qemu\) /);
    const type = async (line: string): Promise<string> => {
      socket.write(`${line}\n`);
      await until('\n(qemu) ');
      return lines.at(-1)?.split('\n').slice(1, -1).join('\n') ?? '';
    };
    expect(await type('info status')).toBe('VM status: paused (prelaunch)');
    expect(await type('info memory-devices')).toMatch(/\[dimm\]: "dimm1"[^]*\[virtio-pmem\]: "nv1"/);
    expect(await type('info memdev')).toMatch(/memory backend: ram\n[^]*memory backend: m1\n/);
    expect(await type('savevm x')).toMatch(/^Error: State blocked by/);
    expect(await type('chardev-change charmonitor null')).toMatch(/bypass vpmem/);
    expect(await type('nonsense')).toBe("unknown command: 'nonsense'");
    expect(await type('device_add virtio-pmem-pci,memdev=none')).toMatch(/^Error: .*none/);
  });

  it('tell QEMU’s events, and ours', async () => {
    const seen: string[] = [];
    client.onEvent(({ event }) => seen.push(event));
    await ask('object-add', file('m6'));
    await ask('cont');
    await ask('stop');
    expect(seen).toEqual(['RESUME', 'STOP']);
  });
});
