/** A VM's own monitor, where the machine is a QEMU: what ours does not know it answers. */
export interface ForeignMonitor {
  /** Names of its QMP commands. */
  commands(): Promise<readonly string[]>;
  /** @throws ForeignError with QEMU's error class and words */
  execute(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** What its HMP prints. */
  humanCommand(line: string): Promise<string>;
}

/** What another monitor answered with an error. */
export class ForeignError extends Error {
  override readonly name = 'ForeignError';
  /** QMP's error class, `GenericError` for most. */
  readonly errorClass: string;

  constructor(errorClass: string, message: string) {
    super(message);
    this.errorClass = errorClass;
  }
}
