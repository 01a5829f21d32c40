import { closeSync } from 'node:fs';
import { adoptListener } from '@vpmem/native';

/** Nobody is to wait where a monitor was that this process does not have. */
export function closeListeners(left: ReadonlyMap<string, number>): void {
  for (const [at, fd] of left) {
    // As character devices and metrics name it; of a TCP socket no path is left.
    const [, path] = /^(?:metrics )?(?:unix|telnet):(\/.*),server=on/.exec(at) ?? [];
    if (path !== undefined) adoptListener(path, fd).remove();
    closeSync(fd);
  }
}
