// @vpmem/watch beside daemons as users start them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaemonProcess } from '@vpmem/daemon/process';
import { Guest } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { Watch } from '@vpmem/watch';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
let daemons: DaemonProcess[];
let guest: Guest;
let watch: Watch;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-watch-'));
  daemons = [];
  guest = new Guest();
  watch = new Watch({ folders: [join(folder, 'vpmem')], patience: 60_000 });
});
afterEach(async () => {
  watch.close();
  guest.cutPower();
  for (const daemon of daemons) await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function start(name: string): Promise<DaemonProcess> {
  const device = ['-object', `memory-backend-file,id=m,share=on,mem-path=${folder}/${name}.img,size=2M`, '-device', `virtio-pmem-pci,memdev=m,id=nv1,socket=${folder}/${name}.sock`];
  const daemon = await DaemonProcess.start(['-name', name, ...device], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  daemons.push(daemon);
  return daemon;
}

it('two daemons: what each answers, their flushes, a client that goes, one that hangs, and one that is killed', async () => {
  const [one, other] = [await start('vm1'), await start('vm2')];
  const disk = guest.plug(RemoteFunction.connect(join(folder, 'vm1.sock')));
  await disk.fsync();
  const before = await watch.round();
  expect(before.daemons.map(({ name, pid, state, version }) => [name, pid, state, version])).toEqual([['vm1', one.pid, 'running', 'vpmemd 0.0.0'], ['vm2', other.pid, 'running', 'vpmemd 0.0.0']]);
  for (let i = 0; i < 10; i++) await disk.fsync();
  const client = await QmpClient.connect({ path: before.daemons[0]?.qmp ?? '' });
  const [truth] = await client.execute('query-pmem');
  client.close();
  const [flushed] = (await watch.round()).daemons[0]?.devices ?? [];
  expect(flushed?.info).toEqual(truth);
  // How long the interval was is not known to a test; unless its length is in doubt there were ten.
  const { interval } = flushed ?? {};
  if (interval !== undefined) expect([interval.asked * interval.seconds, interval.answered]).toEqual([expect.closeTo(10), 10]);

  const gone = new Promise((resolve) => watch.onEvent(({ event, device }, { name }) => resolve([event, device, name])));
  guest.cutPower();
  expect(await gone).toEqual(['PMEM_CLIENT_DISCONNECTED', 'nv1', 'vm1']);

  process.kill(other.pid ?? 0, 'SIGSTOP');
  const impatient = new Watch({ folders: [join(folder, 'vpmem')], patience: 200 });
  try {
    expect((await impatient.round()).daemons[1]).toMatchObject({ name: 'vm2', state: 'not answering', reason: 'it does not greet: it hangs, or too many look at it already' });
  } finally {
    impatient.close();
    process.kill(other.pid ?? 0, 'SIGCONT');
  }
  await other.end('SIGKILL');
  await one.end('SIGTERM');
  expect((await watch.round()).daemons.map(({ name, state }) => [name, state])).toEqual([['vm1', 'gone'], ['vm2', 'gone']]);
});
