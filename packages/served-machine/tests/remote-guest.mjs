// A guest in a process of its own, for tests: it does what it is told on its standard input, a line of JSON for each, and answers so.
import { createInterface } from 'node:readline';
import { Guest } from '@vpmem/guest';
import { RemoteFunction } from '@vpmem/vfio-user/client';

const [, , socket] = process.argv;
const start = () => {
  const guest = new Guest();
  return { guest, disk: guest.plug(RemoteFunction.connect(socket)) };
};
let { guest, disk } = start();

for await (const line of createInterface(process.stdin)) {
  const { action, offset, length, bytes } = JSON.parse(line);
  let answer = {};
  if (action === 'store') disk.write(offset, Buffer.from(bytes, 'base64'));
  else if (action === 'load') answer = { bytes: Buffer.from(disk.read(offset, length)).toString('base64') };
  else if (action === 'fsync') await disk.fsync();
  else {
    guest.cutPower();
    ({ guest, disk } = start());
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
guest.cutPower();
