import { deviceProperties, objectProperties } from '@vpmem/machine';
import { DMA_ADVICE, quoteForShell } from '@vpmem/qemu';
import { contradiction, Machine, STATE_VERSION, STATE_VERSIONS, type KeptPart, type MachineState, type RunningMachine } from '@vpmem/served-machine';
import type { Continuable, MachineParts, OwnedMachine, ProgramBody } from '@vpmem/service';

/** vpmemd beyond its help and its version. */
export const vpmemdBody: ProgramBody = {
  types: { object: objectProperties, device: deviceProperties },
  complaint: ({ devices, monitors, takeover }) =>
    takeover !== undefined || devices.length > 0 || monitors.some(({ name }) => name !== 'chardev')
      ? undefined
      : 'there is no -device, so nothing to serve, and no -monitor or -qmp to add one; vpmemd -help shows how',
  machine: serve,
  announce: (devices) => (devices.length === 0 ? [] : [...devices.map(({ plug }) => `-device ${quoteForShell([JSON.stringify(plug)])}`), DMA_ADVICE]),
};

function serve({ setup: { name }, store, socketFolder, warning, failed }: MachineParts): OwnedMachine {
  const machine = new Machine({ warning, failed }, { ...(name !== undefined && { name }), ...(store !== undefined && { store }), ...(socketFolder !== undefined && { socketFolder }) });
  return {
    managed: machine,
    continuable: continuable(machine),
    end: async (reason) => {
      if (reason === 'signal') machine.end('host-signal');
      await machine.close();
    },
    abandon: () => machine.abandon(),
  };
}

/** The machine as another vpmemd can take it over. */
function continuable(machine: Machine): Continuable {
  const { continuation } = machine;
  return {
    version: STATE_VERSION,
    understands: STATE_VERSIONS,
    complete: () => continuation.complete(),
    about: () => continuation.about(),
    contradiction: ({ objects, devices }, about, folder) =>
      contradiction({ objects: objects.map(({ parsed }) => parsed), devices: devices.map(({ parsed }) => parsed) }, about as RunningMachine, folder),
    prepare: () => continuation.prepare(),
    suspend: () => continuation.suspend(),
    save: (put) => continuation.save(put),
    heldIn: (state) => (state as MachineState).held ?? {},
    restore: async (state, take, store) => {
      if (store !== undefined) await machine.keepIn(store);
      await continuation.restore(state as MachineState, take);
      return machine.devices;
    },
    saveKept: (put) => continuation.saveKept(put),
    restoreKept: async (state, take) => {
      await continuation.restoreKept(state as MachineState<KeptPart>, take);
      return machine.devices;
    },
    onChange: (listener) => (continuation.onChange = listener),
    proceed: () => continuation.proceed(),
    letGo: () => machine.letGo(),
  };
}
