import { once } from 'node:events';
import type { Socket } from 'node:net';
import { TelnetFilter } from './telnet-filter.ts';

/** Keys that leave: Ctrl-] as in telnet, and Ctrl-C, of which the other side would make nothing. */
const LEAVE = /[\x1d\x03]/;

/** Connects this terminal with a monitor that edits lines itself, until one of the two ends it; the exit status. */
export async function bridgeTerminal(socket: Socket): Promise<number> {
  const { stdin, stdout } = process;
  const telnet = new TelnetFilter((answer) => socket.write(answer));
  const received = (bytes: Buffer): void => {
    stdout.write(telnet.receive(bytes));
  };
  const typed = (bytes: Buffer): void => {
    const leaves = stdin.isTTY && LEAVE.test(bytes.toString('latin1'));
    if (leaves) socket.destroy();
    else socket.write(telnet.send(bytes));
  };
  // Of what comes from a file, the answers are waited for.
  const ended = (): void => {
    socket.end();
  };
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    process.stderr.write('(Ctrl-] leaves)\r\n');
  }
  socket.on('data', received);
  stdin.on('data', typed).on('end', ended);
  try {
    await once(socket, 'close');
  } catch (error) {
    process.stderr.write(`vpmem: the connection broke: ${(error as Error).message}\n`);
    return 1;
  } finally {
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      stdout.write('\n');
    }
    stdin.off('data', typed).off('end', ended).pause();
    // A file that is not read to its end would keep this process alive.
    stdin.unref();
  }
  return 0;
}
