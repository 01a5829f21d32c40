/** Where the kernel says that it goes on no more. */
export const PANIC = /Kernel panic - not syncing/;
/** The last line of a panic. */
export const PANIC_END = /end Kernel panic - not syncing/;

/** The first thing that a kernel says of its trouble, the likeliest first. */
const TROUBLE = [/(?:BUG|kernel BUG|Oops|general protection fault|divide error|invalid opcode|stack segment|watchdog: BUG|Internal error)\b.*/, /Kernel panic - not syncing.*/];

/** The line that a kernel's end is known by, out of its console: without time stamps, and without addresses, which differ from run to run. */
export function panicSignature(console: string): string {
  const lines = console.split('\n').map((line) => line.replace(/^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? /, ''));
  for (const pattern of TROUBLE) {
    for (const line of lines) {
      const found = pattern.exec(line)?.[0];
      if (found !== undefined) return `kernel: ${withoutAddresses(found)}`;
    }
  }
  return 'kernel: it ended without a message';
}

function withoutAddresses(text: string): string {
  return text.replace(/\b(?:0x)?[0-9a-f]{16}\b/g, '…').trim();
}
