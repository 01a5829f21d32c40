import { deviceProperties, objectProperties } from '@vpmem/machine';
import { DMA_ADVICE, quoteForShell } from '@vpmem/qemu';
import { Machine, optimizeEarly } from '@vpmem/served-machine';
import type { MachineParts, OwnedMachine, ProgramBody } from '@vpmem/service';

/** vpmemd beyond its help and its version. */
export const vpmemdBody: ProgramBody = {
  types: { object: objectProperties, device: deviceProperties },
  complaint: ({ devices, monitors }) =>
    devices.length > 0 || monitors.some(({ name }) => name !== 'chardev')
      ? undefined
      : 'there is no -device, so nothing to serve, and no -monitor or -qmp to add one; vpmemd -help shows how',
  machine: serve,
  announce: (devices) => (devices.length === 0 ? [] : [...devices.map(({ plug }) => `-device ${quoteForShell([JSON.stringify(plug)])}`), DMA_ADVICE]),
};

function serve({ setup: { name }, socketFolder, warning, failed }: MachineParts): OwnedMachine {
  const machine = new Machine({ warning, failed }, { ...(name !== undefined && { name }), ...(socketFolder !== undefined && { socketFolder }) });
  machine.onEvent(({ name: event }) => {
    if (event === 'PMEM_CLIENT_CONNECTED') optimizeEarly();
  });
  return {
    managed: machine,
    end: async (reason) => {
      if (reason === 'signal') machine.end('host-signal');
      await machine.close();
    },
    abandon: () => machine.abandon(),
  };
}
