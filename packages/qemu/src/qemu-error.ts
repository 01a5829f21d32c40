/** What is wrong with a QEMU command line, or with the QEMU that should run it. */
export type QemuErrorCode = 'bad-option' | 'memdev-missing' | 'memdev-busy' | 'private-ram' | 'not-supported' | 'too-old' | 'not-found';

/** The message names the option at fault and what would be right. */
export class QemuError extends Error {
  override readonly name = 'QemuError';
  readonly code: QemuErrorCode;

  constructor(code: QemuErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
