/** Why there is no testbed, or why something in it went wrong. */
export type TestbedErrorCode =
  /** This machine cannot have one: no Debian mirror, another processor, no network. */
  | 'unavailable'
  /** A program of the preparation failed. */
  | 'program'
  /** A wait took longer than it may. */
  | 'timeout'
  /** QEMU ended, or the guest's kernel panicked. */
  | 'dead'
  /** The guest, or QEMU's monitor, answered with an error. */
  | 'refused';

/** The message holds what one needs to find the cause: output, console, QEMU's own words. */
export class TestbedError extends Error {
  override readonly name = 'TestbedError';
  readonly code: TestbedErrorCode;

  constructor(code: TestbedErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
