import { parseOption } from '@vpmem/options';
import { ChardevError } from './chardev-error.ts';
import { LOOPBACK, readSwitches, unknownBackend, type ChardevOptions, type SocketAddress } from './chardev-options.ts';

/** What `-monitor`, `-qmp` and `-qmp-pretty` name. */
export type MonitorDevice =
  | { readonly kind: 'none' }
  /** A character device made by `-chardev`. */
  | { readonly kind: 'chardev'; readonly id: string }
  | { readonly kind: 'own'; readonly options: ChardevOptions };

const KNOWN = ['stdio', 'none', 'null', 'chardev:ID', 'unix:PATH', 'tcp:[HOST]:PORT', 'telnet:[HOST]:PORT'];

/** What QEMU takes and a monitor has no use for, and what to give instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  vc: 'stdio or unix:PATH,server=on,wait=off',
  pty: 'unix:PATH,server=on,wait=off',
  'mon:stdio': 'stdio',
  websocket: 'tcp:HOST:PORT,server=on,wait=off',
  udp: 'tcp:HOST:PORT,server=on,wait=off',
  file: 'unix:PATH,server=on,wait=off',
  pipe: 'unix:PATH,server=on,wait=off',
  fd: 'unix:PATH,server=on,wait=off',
};

/** Parses `-monitor DEV`, `-qmp DEV` or `-qmp-pretty DEV`. @throws OptionError, ChardevError */
export function parseDevice(text: string): MonitorDevice {
  if (text === 'none') return { kind: 'none' };
  if (text === 'stdio' || text === 'null') return { kind: 'own', options: { backend: text } };
  const [scheme = '', ...after] = text.split(':');
  const rest = after.join(':');
  switch (scheme) {
    case 'chardev':
      return { kind: 'chardev', id: rest };
    case 'unix':
      return { kind: 'own', options: unixSocket(rest) };
    case 'tcp':
    case 'telnet':
      return { kind: 'own', options: tcpSocket(rest, scheme) };
    default: {
      const instead = ELSEWHERE[text] ?? ELSEWHERE[scheme];
      if (instead === undefined) throw unknownBackend(text, KNOWN);
      throw new ChardevError('unknown-backend', `'${text}' is not offered for a monitor; use ${instead}`);
    }
  }
}

function unixSocket(text: string): ChardevOptions {
  const { form, properties: { path, ...properties }, entries = [] } = parseOption(text, { grammar: 'qemuopts', impliedKey: 'path' });
  if (typeof path !== 'string' || path === '') throw new ChardevError('bad-address', 'there is no path; write unix:PATH,server=on,wait=off');
  // Bare `server` and `nowait` are the usual way to write it here, so nobody is told of them; QEMU tells nobody either.
  return readSwitches({ form, properties, entries: entries.filter(({ name }) => name !== 'path') }, { path }, false);
}

function tcpSocket(text: string, scheme: 'tcp' | 'telnet'): ChardevOptions {
  const found = /^(?:\[(?<six>[0-9a-fA-F:.%]+)\]|(?<host>[^:,]*)):(?<port>[^:,]+)(?:,(?<rest>.*))?$/s.exec(text);
  const { six, host = '', port = '', rest = '' } = found?.groups ?? {};
  if (found === null || !/^\d+$/.test(port) || Number(port) > 65535) {
    throw new ChardevError('bad-address', `'${text}' is not HOST:PORT with a port from 0 to 65535; write ${scheme}:${LOOPBACK}:4444,server=on,wait=off`);
  }
  const address: SocketAddress = { host: six ?? (host === '' ? LOOPBACK : host), port: Number(port) };
  return readSwitches(parseOption(rest, { grammar: 'qemuopts' }), address, scheme === 'telnet');
}
