import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { isCalled, runningPrograms } from '@vpmem/running-programs';
import { CliError } from './cli-error.ts';

/**
 * Connects to a monitor: a path, `unix:PATH`, `tcp:HOST:PORT`, `telnet:HOST:PORT`, or the name or process id of a program that
 * `vpmem ps` lists.
 *
 * @throws CliError
 */
export async function connectMonitor(address: string): Promise<Socket> {
  const target = resolve(address);
  const socket = 'path' in target ? connect(target.path) : connect(target.port, target.host);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    throw new CliError(`cannot connect to '${address}': ${explain(error as NodeJS.ErrnoException)}`, { cause: error });
  }
}

type Target = { readonly path: string } | { readonly host: string; readonly port: number };

function resolve(address: string): Target {
  const [, scheme, rest = ''] = /^(unix|tcp|telnet):(.*)$/.exec(address) ?? [];
  if (scheme === 'unix') return { path: rest };
  if (scheme !== undefined) return hostAndPort(rest, address);
  if (address.includes('/') || existsSync(address)) return { path: address };
  const programs = runningPrograms().filter((program) => isCalled(program, address));
  const [program, another] = programs;
  if (another !== undefined) throw new CliError(`'${address}' is the name of ${programs.length} programs; give a process id: ${programs.map(({ pid }) => pid).join(', ')}`);
  if (program !== undefined) return { path: program.qmp };
  if (/:\d+$/.test(address)) return hostAndPort(address, address);
  throw new CliError(`'${address}' is no socket, and no program that 'vpmem ps' lists by name or process id`);
}

function hostAndPort(text: string, address: string): Target {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  if (port === '') throw new CliError(`'${address}' has no port; write tcp:HOST:PORT`);
  return { host: host === '' ? 'localhost' : host, port: Number(port) };
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return 'nobody listens there (any more)';
  return code === 'ENOENT' ? 'there is no such socket' : message;
}
