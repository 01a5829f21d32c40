import type { Socket } from 'node:net';
import { once } from 'node:events';
import { QmpClient } from '@vpmem/qmp/client';
import { bridgeTerminal } from './terminal/terminal-bridge.ts';
import { connectMonitor } from './monitor-address.ts';
import { explain } from './qmp/qmp-command.ts';
import { runQmpShell } from './qmp/qmp-shell.ts';

/** How long to wait for the first byte before saying what may be the matter. */
const PATIENCE_MS = 2000;
const BRACE = '{'.charCodeAt(0);

/** `vpmem monitor`: a human monitor on this terminal, at a monitor of either kind; the exit status. */
export async function runMonitor(address: string): Promise<number> {
  try {
    const socket = await connectMonitor(address);
    const first = await firstBytes(socket);
    if (first === undefined) {
      process.stderr.write(`vpmem: '${address}' has closed the connection without a message\n`);
      return 1;
    }
    // QMP greets with an object; HMP with its banner, or the options of telnet.
    return first[0] === BRACE ? await runQmpShell(await QmpClient.over(socket)) : await bridgeTerminal(socket);
  } catch (error) {
    process.stderr.write(`vpmem: ${explain(error)}\n`);
    return 1;
  }
}

/** What comes first, put back for whoever reads next; undefined if nothing does. */
async function firstBytes(socket: Socket): Promise<Buffer | undefined> {
  const hint = setTimeout(() => process.stderr.write('vpmem: waiting; a monitor serves one client at a time, so somebody else may be connected\n'), PATIENCE_MS);
  await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  clearTimeout(hint);
  const bytes = socket.read() as Buffer | null;
  if (bytes === null) return undefined;
  socket.unshift(bytes);
  return bytes;
}
