import type { FoundFunction } from './found-function.ts';
import { ProbeError } from './guest-error.ts';
import type { GuestMachine } from './guest-machine.ts';
import type { VirtioTransport } from './virtio-transport.ts';

/** VIRTIO 1.4 §4.1.4.5: bits of the ISR status. */
const ISR_QUEUE = 1;
const ISR_CONFIG = 2;

/** What a driver does when its device interrupts. */
export interface VirtioHandlers {
  /** The device has used buffers of the driver's queue. */
  readonly used: () => void;
  /** The device's configuration has changed, or the device cannot go on. */
  readonly config: () => void;
}

/**
 * Has a function of one queue interrupt its driver: by a message for each of both causes, by one for both where the function has no
 * more, by its pin where it has none. Returns how to undo it. @throws ProbeError
 */
export function connectInterrupts(machine: GuestMachine, transport: VirtioTransport, pci: FoundFunction, { used, config }: VirtioHandlers): () => void {
  const vectors = transport.msixVectors;
  if (vectors === 0) return connectPin(machine, transport, pci, { used, config });
  const both = (): void => {
    used();
    config();
  };
  const messages = (vectors === 1 ? [both] : [config, used]).map((handler) => machine.allocateMessage(handler));
  const free = (): void => messages.forEach(({ data }) => machine.freeMessage(data));
  try {
    transport.useMsix(messages, { config: 0, queue: messages.length - 1 });
    return free;
  } catch (error) {
    free();
    throw error;
  }
}

function connectPin(machine: GuestMachine, transport: VirtioTransport, pci: FoundFunction, { used, config }: VirtioHandlers): () => void {
  if (!pci.hasPin) throw new ProbeError('the device has neither MSI-X nor an interrupt pin');
  return machine.onIrq(pci.irq, () => {
    // No bit at all: the line may be another function's too.
    const isr = transport.takeIsr();
    if ((isr & ISR_QUEUE) !== 0) used();
    if ((isr & ISR_CONFIG) !== 0) config();
  });
}
