import { featureSettings, flushLimit, pciPlacement, plannedFault, queueFeatures, type VirtioPmemPciOptions } from '@vpmem/machine';
import type { BackendDescription } from '@vpmem/memory-backend';
import type { ListeningSocket } from '@vpmem/native';
import type { PropertySource } from '@vpmem/options';
import type { DeviceDescription } from './device-messages.ts';
import type { Reserved, Served } from './served-devices.ts';
import { vfioUserPlug } from './vfio-user-plug.ts';

/** In a millisecond. */
const NANOSECONDS = 1_000_000;

/** A device as its properties want it, for the device thread. @throws OptionError, MachineError */
export function describeDevice(id: string, options: VirtioPmemPciOptions, backend: BackendDescription): DeviceDescription {
  const { vectors, unplug, marks } = options;
  return {
    id,
    backend,
    vectors,
    unplug,
    marks,
    features: queueFeatures(options),
    fault: plannedFault(options),
    limit: flushLimit(options),
    pollMax: options['poll-max-ns'] / NANOSECONDS,
  };
}

/** What a device's record is made of. */
export interface ServedParts {
  readonly source: PropertySource;
  readonly options: VirtioPmemPciOptions;
  /** Bytes. */
  readonly size: number;
  readonly socket: ListeningSocket;
}

/** A device as the machine keeps it. */
export function servedDevice({ id, path }: Reserved, { source, options, size, socket }: ServedParts): Served {
  const { memdev, vectors, unplug } = options;
  const pci = pciPlacement(options);
  const socketPath = socket.path;
  return {
    source,
    id,
    named: options.id !== undefined,
    path,
    memdev,
    socketPath,
    size,
    vectors,
    unplug,
    features: featureSettings(options),
    pci,
    plug: vfioUserPlug({ id, socketPath, pci }),
    socket,
    leaving: 'no',
    removing: false,
    lastError: undefined,
  };
}
