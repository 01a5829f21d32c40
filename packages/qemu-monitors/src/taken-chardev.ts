// A character device of QEMU's command line that vpmem serves in QEMU's place.
import { openChardev, type Chardev, type ChardevOptions } from '@vpmem/chardev';
import { MonitorError } from '@vpmem/monitor';
import type { EventLoop } from '@vpmem/native';
import { parseOption, type Properties } from '@vpmem/options';
import { isOff, isOn } from '@vpmem/qemu';
import { openPipe } from './pipe-chardev.ts';
import { openUnixChardev, type UnixChardevOptions } from './unix-chardev.ts';

/** What a monitor talks through. */
export type TakenChardev =
  | { readonly kind: 'unix'; readonly options: UnixChardevOptions }
  | { readonly kind: 'pipe'; readonly path: string }
  /** A TCP socket, this program's own terminal or pipes, or nobody. */
  | { readonly kind: 'plain'; readonly options: ChardevOptions };

const USE = 'unix:PATH,server=on,wait=off';

/** Properties that QEMU 11.1 knows and that would bypass vpmem, or that we cannot do, with what to write instead. */
const REFUSED: Readonly<Record<string, string>> = {
  'tls-creds': 'tunnel the socket through ssh(1)',
  'tls-authz': 'tunnel the socket through ssh(1)',
  websocket: `use ${USE}`,
  tn3270: 'use telnet=on',
  reconnect: 'let the monitor listen with server=on',
  'reconnect-ms': 'let the monitor listen with server=on',
  to: 'give one port',
  localaddr: 'leave it out',
  localport: 'leave it out',
  abstract: 'give a path',
  tight: 'give a path',
  logfile: 'use script(1) or tee(1)',
  logappend: 'use script(1) or tee(1)',
  'input-path': `use ${USE}`,
};
const KNOWN: ReadonlySet<string> = new Set(['backend', 'id', 'path', 'host', 'port', 'fd', 'server', 'wait', 'telnet', 'delay', 'nodelay', 'ipv4', 'ipv6', 'mux', 'signal']);

/**
 * Reads `-chardev`. Undefined where QEMU refuses what it says, which it shall do itself.
 *
 * @throws MonitorError where QEMU would have it and we cannot
 */
export function readTakenChardev(properties: Properties): TakenChardev | undefined {
  for (const [name, value] of Object.entries(properties)) {
    if (Object.hasOwn(REFUSED, name) && !isNothing(value)) throw new MonitorError('conflict', `'${name}' is not supported for a monitor; ${REFUSED[name] ?? ''}`);
    if (!Object.hasOwn(REFUSED, name) && !KNOWN.has(name)) return undefined;
  }
  const { backend, path } = properties;
  switch (backend) {
    case 'stdio':
    case 'null':
      return { kind: 'plain', options: { backend } };
    case 'pipe':
      return typeof path === 'string' && path !== '' ? { kind: 'pipe', path } : undefined;
    case 'socket':
      return socket(properties);
    default:
      if (typeof backend !== 'string' || !QEMU_BACKENDS.has(backend)) return undefined;
      throw new MonitorError('unknown-backend', `a monitor on '${backend}' is QEMU's alone, and would bypass vpmem; use ${USE}`);
  }
}

/** Backends of QEMU that a monitor of ours cannot have. */
const QEMU_BACKENDS: ReadonlySet<string> = new Set(['udp', 'vc', 'ringbuf', 'memory', 'file', 'pty', 'serial', 'tty', 'parallel', 'parport', 'spicevmc', 'spiceport', 'dbus', 'qemu-vdagent', 'msmouse', 'wctablet', 'testdev', 'braille', 'console', 'hub']);

/** Reads `-monitor`, `-qmp` or the part of `-serial` behind `mon:`, as {@link readTakenChardev}. @throws MonitorError */
export function readTakenDevice(text: string): TakenChardev | undefined {
  if (text === 'stdio' || text === 'null') return readTakenChardev({ backend: text });
  const [scheme = '', ...after] = text.split(':');
  const rest = after.join(':');
  if (scheme === 'pipe') return readTakenChardev({ backend: 'pipe', path: rest });
  if (scheme === 'unix') return withProperties(rest, 'path', {});
  if (scheme === 'tcp' || scheme === 'telnet') {
    const [, six, host = six ?? '', port, options = ''] = /^(?:\[([\da-fA-F:.%]+)\]|([^:,]*)):([^:,]+)(?:,(.*))?$/s.exec(rest) ?? [];
    return port === undefined ? undefined : withProperties(options, undefined, { host, port, ...(scheme === 'telnet' && { telnet: 'on' }) });
  }
  const instead = scheme === 'websocket' || scheme === 'udp' || scheme === 'file' || text.startsWith('/dev/') || text === 'pty' || text === 'vc' || text.startsWith('vc:') ? scheme : undefined;
  if (instead === undefined) return undefined;
  throw new MonitorError('unknown-backend', `a monitor on '${text}' is QEMU's alone, and would bypass vpmem; use ${USE}`);
}

/** Opens it; nobody is served before `start`. @throws MonitorError with nothing left open */
export async function openTakenChardev(chardev: TakenChardev, loop: EventLoop): Promise<Chardev> {
  switch (chardev.kind) {
    case 'unix':
      return openUnixChardev(chardev.options, loop);
    case 'pipe':
      return openPipe(chardev.path);
    case 'plain':
      return await openChardev(chardev.options);
  }
}

function withProperties(text: string, impliedKey: string | undefined, more: Properties): TakenChardev | undefined {
  let properties: Properties;
  try {
    ({ properties } = parseOption(text, { grammar: 'qemuopts', ...(impliedKey !== undefined && { impliedKey }) }));
  } catch {
    // QEMU says what is wrong with it.
    return undefined;
  }
  return readTakenChardev({ backend: 'socket', ...properties, ...more });
}

function socket(properties: Properties): TakenChardev | undefined {
  const { path, host, port, fd } = properties;
  const server = isOn(properties.server);
  // QEMU waits for the client of a socket that listens, unless it is told not to.
  const wait = server && !isNothing(properties.wait ?? 'on');
  const telnet = isOn(properties.telnet);
  if (typeof fd === 'string' && /^\d+$/.test(fd)) return { kind: 'unix', options: { at: { fd: Number(fd) }, server, wait, telnet } };
  if (typeof path === 'string' && path !== '') return { kind: 'unix', options: { at: { path }, server, wait, telnet } };
  if (typeof port !== 'string' || !/^\d+$/.test(port) || Number(port) > 65535) return undefined;
  // Without a host QEMU listens everywhere, and connects to this machine.
  const address = { host: typeof host === 'string' && host !== '' ? host : server ? '0.0.0.0' : 'localhost', port: Number(port) };
  return { kind: 'plain', options: { backend: 'socket', address, server, wait, telnet, clients: 1 } };
}

/** Off, or as a number of milliseconds none. */
function isNothing(value: unknown): boolean {
  return value === '0' || isOff(value);
}
