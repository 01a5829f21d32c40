/** Something that happened, as QEMU's monitor tells it. */
export interface QemuEvent {
  readonly event: string;
  readonly data?: unknown;
  readonly timestamp: { readonly seconds: number; readonly microseconds: number };
}

/** A QEMU as its monitor shows it. */
export interface QemuMonitor {
  /**
   * Runs a QMP command, as soon as QEMU is there.
   * @throws ForeignError what QEMU answered
   * @throws MachineError `machine-state`: it has ended
   */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Calls `listener` for everything that happens from now on; returns how to stop that. */
  onEvent(listener: (event: QemuEvent) => void): () => void;
  /** Settles when QEMU has ended, or never came. */
  readonly ended: Promise<void>;
}

/** A command whose answer has a known shape. */
export async function ask<T>(qemu: QemuMonitor, command: string, args?: Readonly<Record<string, unknown>>): Promise<T> {
  return (await qemu.execute(command, args)) as T;
}
