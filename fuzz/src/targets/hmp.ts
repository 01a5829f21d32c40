import { FakeMachine, HmpShell } from '@vpmem/monitor/testing';
import { must, text, Violation, type Target } from '../target.ts';

const MOST_LINES = 24;
/** What a line prints may repeat the line; help and lists are as long as they are. */
const LONGEST_TEXT = 16 * 1024;

/** Lines of a human monitor, and the tab key after each. */
export const hmp: Target = {
  run: async (bytes) => {
    const machine = new FakeMachine();
    const shell = new HmpShell({ machine, program: 'fuzz', version: '1', chardevs: () => [{ label: 'mon0', filename: 'stdio' }] }, (error) => {
      throw new Violation('an internal error', { cause: error });
    });
    const history: string[] = [];
    for (const line of Buffer.from(bytes).toString().split('\n').slice(0, MOST_LINES)) {
      const printed = await shell.run(line, history);
      must(printed === '' || printed.endsWith('\n'), () => 'a line without an end');
      must(!printed.includes('internal error'), () => printed);
      must(printed.length <= LONGEST_TEXT + 8 * line.length, () => `${printed.length} characters`);
      const [words, replaced] = await shell.complete(line);
      must(line.endsWith(replaced) && words.every((word) => typeof word === 'string'), () => `completing '${replaced}'`);
      history.push(line);
    }
  },
  seeds: [
    'help\ninfo status\ninfo qtree\ninfo mtree\ninfo pci\ninfo memory-devices\ninfo memdev\ninfo pmem\ninfo chardev\ninfo version\ninfo name',
    'object_add memory-backend-file,id=m,size=1M,mem-path="/a b",share=on\ndevice_add virtio-pmem-pci,memdev=m,id=nv1\ninfo qom-tree\ndevice_del nv1\nobject_del m',
    'object_add {"qom-type":"memory-backend-file","id":"m","size":4096,"mem-path":"/x"}\nqom-list /objects\nqom-get /machine type',
    'device_add virtio-pmem-pci,help\nobject_add help\ninfo\n? stop\nstop\ncont\nsystem_reset\ninfo history\nq',
    'object_add memory-backend-file,id=m,size=1M,mem-path=x\ndevice_add virtio-pmem-pci,memdev=m,id=nv1\npower_cut nv1 survivors=random,seed=3\nflush_fault nv1 error,at-flush=2\npower_cut nv1,at-flush=1',
    'object_add memory-backend-file,id=m,size=1M,mem-path=x\ndevice_add virtio-pmem-pci,memdev=m,id=nv1\npmem_record nv1 begin,file=a,interval=5\nmark "a\\n b"\nmark c d\npmem_record nv1 end',
  ].map(text),
  maxLength: 768,
  maxSteps: (length) => 2 ** 20 + 20_000 * length,
  maxBytes: 2 ** 24,
};
