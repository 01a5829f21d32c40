import type { ChardevOptions } from './chardev-options.ts';
import { NullChardev, type Chardev } from './chardev.ts';
import { connectOut } from './socket-client.ts';
import { SocketServer } from './socket-server.ts';
import { StdioChardev } from './stdio.ts';

/**
 * Opens a character device; nobody is served before `start`. A socket that listens already is taken from `inherited`.
 *
 * @throws ChardevError
 */
export async function openChardev(options: ChardevOptions, inherited?: Map<string, number>): Promise<Chardev> {
  switch (options.backend) {
    case 'null':
      return new NullChardev();
    case 'stdio':
      return new StdioChardev();
    case 'socket':
      return options.server ? SocketServer.listen(options, inherited) : connectOut(options);
  }
}
