import { defineProperties, nearest, property, readProperties, type PropertySource } from '@vpmem/options';
import { ChardevError } from './chardev-error.ts';

/** Where a socket is. A port of 0 is one that the system chooses. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** A character device that is a socket. */
export interface SocketOptions {
  readonly backend: 'socket';
  readonly address: SocketAddress;
  /** Listens; otherwise connects. */
  readonly server: boolean;
  /** Start-up waits for the first client. */
  readonly wait: boolean;
  /** Speaks telnet to its clients. */
  readonly telnet: boolean;
  /** How many clients it serves at a time. */
  readonly clients: number;
}

/** What a monitor talks through, after QEMU's character devices. */
export type ChardevOptions = SocketOptions | { readonly backend: 'stdio' } | { readonly backend: 'null' };

const NO_LOG = 'a monitor keeps no transcript; use script(1) or tee(1)';
const NO_MUX = 'a monitor has its character device to itself';
const NO_WEBSOCKET = 'there are no websocket clients for a monitor; use telnet=on or a plain socket';
const NO_ABSTRACT = 'anyone may connect to an abstract socket; give a path';
const NO_TLS = 'tunnel the socket through ssh(1) instead';
const NO_RECONNECT = 'a monitor connects out once, at the start; let it listen with server=on';

const common = {
  backend: property.string({ required: true, description: 'socket, stdio or null' }),
  id: property.identifier({ required: true, description: 'name of the character device' }),
  mux: property.offOnly(NO_MUX),
  logfile: property.refused(NO_LOG),
  logappend: property.offOnly(NO_LOG),
};

const switches = {
  server: property.bool({ default: false, description: 'listen, instead of connecting' }),
  wait: property.bool({ description: 'with server=on: start only when a client is there (default: on)' }),
  telnet: property.bool({ default: false, description: 'speak telnet' }),
  clients: property.int({ default: 1, min: 1, max: 64, description: 'with server=on: how many are served at a time' }),
  // Small messages are never held back, so these change nothing.
  nodelay: property.bool({ description: 'accepted; nothing is ever delayed' }),
  delay: property.bool({ description: 'accepted; nothing is ever delayed' }),
};

const refusedSwitches = {
  reconnect: property.refused(NO_RECONNECT),
  'reconnect-ms': property.refused(NO_RECONNECT),
  websocket: property.offOnly(NO_WEBSOCKET),
  tn3270: property.offOnly('use telnet=on'),
  'tls-creds': property.refused(NO_TLS),
  'tls-authz': property.refused(NO_TLS),
  fd: property.refused('give path= or host= and port='),
  abstract: property.offOnly(NO_ABSTRACT),
  tight: property.refused('it belongs to abstract sockets'),
  to: property.refused('give one port, or port=0 for any that is free'),
  ipv4: property.refused('give the address itself as host='),
  ipv6: property.refused('give the address itself as host='),
};

const port = property.int({ max: 65535, description: 'TCP port; 0: any that is free' });

/** Properties of `-chardev socket`. */
export const socketProperties = defineProperties({
  ...common,
  path: property.path({ description: 'of a unix socket' }),
  host: property.string({ description: 'TCP host; empty or left out with a port: this machine alone' }),
  port,
  ...switches,
  ...refusedSwitches,
});

/** Properties of `-chardev stdio`. */
export const stdioProperties = defineProperties({
  ...common,
  signal: property.bool({ default: true, description: 'Ctrl-C ends the program' }),
});

/** Properties of `-chardev null`. */
export const nullProperties = defineProperties(common);

/** What `-chardev` can make, and what of. */
export const chardevProperties = { socket: socketProperties, stdio: stdioProperties, null: nullProperties } as const;

/** What `-chardev` says. @throws OptionError, ChardevError */
export function readChardev(source: PropertySource): { readonly id: string; readonly options: ChardevOptions } {
  const { backend } = source.properties;
  switch (backend) {
    case 'socket': {
      const { id, ...values } = readProperties(socketProperties, source);
      return { id, options: socketOptions({ ...values, address: socketAddress(values) }) };
    }
    case 'stdio':
      return { id: readProperties(stdioProperties, source).id, options: { backend } };
    case 'null':
      return { id: readProperties(nullProperties, source).id, options: { backend } };
    default:
      throw unknownBackend(typeof backend === 'string' ? backend : '', Object.keys(chardevProperties));
  }
}

/** Reads the part after the path of `unix:PATH,…` (whose name is then `path`) or after `tcp:HOST:PORT`. @throws OptionError */
export function readSwitches(source: PropertySource, address: SocketAddress, telnet: boolean): SocketOptions {
  const values = readProperties(defineProperties({ ...switches, ...refusedSwitches }), source);
  return socketOptions({ ...values, telnet: values.telnet || telnet, address });
}

/** The error of a backend that is not one of `known`. */
export function unknownBackend(given: string, known: readonly string[]): ChardevError {
  const near = nearest(given, known);
  const question = near === undefined ? '' : ` (did you mean '${near}'?)`;
  return new ChardevError('unknown-backend', `'${given}' is not a valid char driver${question}; it has to be one of ${known.join(', ')}`);
}

function socketAddress(given: { readonly path: string | undefined; readonly host: string | undefined; readonly port: number | undefined }): SocketAddress {
  if (given.path !== undefined) {
    if (given.host !== undefined || given.port !== undefined) {
      throw new ChardevError('bad-address', "'path' is for a unix socket, 'host' and 'port' for TCP; give one or the other");
    }
    if (given.path === '') throw new ChardevError('bad-address', "'path' is empty; give the path of a socket");
    return { path: given.path };
  }
  if (given.port === undefined) {
    const message = given.host === undefined ? 'the socket has no address; give path=, or host= and port=' : `there is no port on '${given.host}'; give port=`;
    throw new ChardevError('bad-address', message);
  }
  return { host: given.host === undefined || given.host === '' ? LOOPBACK : given.host, port: given.port };
}

/** Where a socket is that names no host. QEMU takes all addresses then; a monitor opens files, so here it is this machine alone. */
export const LOOPBACK = '127.0.0.1';

interface Switches {
  readonly address: SocketAddress;
  readonly server: boolean;
  readonly wait: boolean | undefined;
  readonly telnet: boolean;
  readonly clients: number;
}

function socketOptions({ address, server, wait, telnet, clients }: Switches): SocketOptions {
  if (!server && wait !== undefined) {
    throw new ChardevError('conflict', "'wait' is for a socket that listens; add server=on or leave out 'wait'");
  }
  if (!server && 'port' in address && address.port === 0) {
    throw new ChardevError('bad-address', 'port 0 cannot be connected to; name the port, or listen with server=on');
  }
  return { backend: 'socket', address, server, wait: wait ?? server, telnet, clients };
}

/** What whoever asks for such a monitor should know of who reaches it; undefined if only this machine's own users do. */
export function exposureOf(options: ChardevOptions): string | undefined {
  if (options.backend !== 'socket' || !options.server || !isExposed(options.address)) return undefined;
  return `a monitor opens files, and whoever reaches ${describeChardev(options)} may use it; listen on 127.0.0.1 unless that is meant`;
}

function isExposed(address: SocketAddress): boolean {
  if ('path' in address) return false;
  return !(address.host === 'localhost' || address.host === '::1' || /^127(\.\d+){3}$/.test(address.host));
}

/** A character device in the words of `-monitor`, as `info chardev` shows it. */
export function describeChardev(options: ChardevOptions): string {
  if (options.backend !== 'socket') return options.backend;
  const { address, server, telnet } = options;
  const tail = server ? ',server=on' : '';
  if ('path' in address) return `${telnet ? 'telnet' : 'unix'}:${address.path}${tail}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${telnet ? 'telnet' : 'tcp'}:${host}:${address.port}${tail}`;
}
