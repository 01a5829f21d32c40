import { EmbeddedMachine, embeddedDeviceProperties, machineProperties } from '@vpmem/embedded-machine';
import { objectProperties } from '@vpmem/machine';
// There always is a monitor, and what was loaded by then is not looked for anew.
import '@vpmem/monitor/commands';
import { runService, type MachineParts, type OwnedMachine } from '@vpmem/service';

/** `vpmem run`: a machine with the embedded guest, in this process; the exit status. */
export async function runMachine(words: readonly string[], version: string): Promise<number> {
  return await runService(
    {
      name: 'vpmem run',
      version,
      help: {
        before: `usage: vpmem run [OPTION [ARGUMENT]]…

Runs a machine whose guest is a part of this program: it finds virtio-pmem and
nvdimm devices as an operating system does, and uses them when a monitor says so.
`,
        after: `Without a monitor among the options there is one on the terminal (-monitor stdio).
Exit status: 0 ended in good order, 1 an option is wrong or cannot be had,
70 an error of vpmem's own.
`,
      },
      body: () => Promise.resolve({ types: { object: objectProperties, device: embeddedDeviceProperties, machine: machineProperties }, defaultMonitor: 'stdio', machine: embedded }),
    },
    words,
  );
}

function embedded({ setup, warning }: MachineParts): OwnedMachine {
  const { name, paused } = setup;
  const machine = EmbeddedMachine.create({
    ...(name !== undefined && { name }),
    machine: setup.machine.map(({ text }) => text),
    memory: setup.memory.map(({ text }) => text),
    startPaused: paused,
    warn: warning,
  });
  return {
    managed: machine,
    start: () => machine.start(),
    end: async (reason) => {
      if (reason === 'signal') machine.end('host-signal');
      await machine.close();
    },
    abandon: () => machine.abandon(),
  };
}
