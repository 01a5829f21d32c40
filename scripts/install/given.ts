/** What examples begin with: JavaScript that makes it, in the folder and the process of the example. */

/** `run.vpmrec`: byte 0 counts records, of which each is acknowledged before it is durable. Every state that lost a page breaks that. */
export const RECORDING = `import { RecordingWriter } from '@vpmem/recording';
{
  const writer = RecordingWriter.create('run.vpmrec', { size: 2 ** 20 });
  writer.base([]);
  const page = (count) => new Uint8Array(4096).fill(count, 0, 1);
  for (let count = 1; count <= 41; count++) {
    writer.mark('acked ' + count);
    writer.flushAsked(count);
    writer.pages('flush', [0, count, count + 1].map((at) => ({ page: at, before: page(at === 0 ? count - 1 : 0), after: page(count) })));
    writer.flushAnswered(count, 'ok');
  }
  writer.end();
}`;

/** `shard-1.json` and `shard-2.json`: reports of that. */
export const SHARDS = `${RECORDING}
import { explore, MemoryPlace } from '@vpmem/explorer';
import { Recording } from '@vpmem/recording';
for (const index of [1, 2]) {
  const recording = Recording.open('run.vpmrec');
  const check = (image, { marks }) => (image.read(0, 1)[0] >= marks.length ? { verdict: 'kept' } : { verdict: 'violated', signature: 'a record is lost' });
  const openPlace = async () => new MemoryPlace(recording.size, check);
  for await (const event of explore(recording, { file: 'run.vpmrec', openPlace, units: ['page'], shard: { index, of: 2 } })) {
    if (event.type === 'end') writeFileSync('shard-' + index + '.json', JSON.stringify(event.report));
  }
}`;

/** A device behind a socket, whose path is `socket`, until `daemon.end()`. */
export const SERVED_DEVICE = `import { DaemonProcess } from '@vpmem/daemon/process';
const daemon = await DaemonProcess.start(['-object', 'memory-backend-file,id=mem1,share=on,mem-path=pmem.img,size=64M', '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1']);
const socket = process.env.XDG_RUNTIME_DIR + '/vpmem/nv1.sock';`;
