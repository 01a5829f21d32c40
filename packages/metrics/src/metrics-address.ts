import { resolve } from 'node:path';
import { MetricsError } from './metrics-error.ts';

export { MetricsError } from './metrics-error.ts';

/** Where metrics are to be had: at the path of a unix socket, or at a TCP port. Port 0 is one that the system chooses. */
export type MetricsAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** Where a port is that names no host: this machine alone. */
const LOOPBACK = '127.0.0.1';
const MAX_PORT = 65535;
const RIGHT = 'give unix:PATH, PORT, or HOST:PORT';

/** Reads `unix:PATH`, a path with a slash in it, `PORT` (on loopback), `HOST:PORT` or `[IPV6]:PORT`. @throws MetricsError */
export function parseMetricsAddress(text: string): MetricsAddress {
  const [, named] = /^unix:(.*)$/s.exec(text) ?? [];
  if (named !== undefined || text.includes('/')) return { path: checkedPath(named ?? text) };
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?(\d+)$/.exec(text.replace(/^tcp:/, '')) ?? [];
  if (port === undefined) throw new MetricsError(`'${text}' is no address; ${RIGHT}`);
  if (Number(port) > MAX_PORT) throw new MetricsError(`there is no port ${port}; ports are 1 to ${MAX_PORT}, and 0 is any that is free`);
  const host = bracketed ?? plain ?? '';
  return { host: host === '' ? LOOPBACK : host, port: Number(port) };
}

/** The same address with an absolute path, for a program that goes to another folder. */
export function anchorMetricsAddress(address: MetricsAddress): MetricsAddress {
  return 'path' in address ? { path: resolve(address.path) } : address;
}

/** As {@link parseMetricsAddress} reads it. */
export function formatMetricsAddress(address: MetricsAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  const { host, port } = address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where to look, for people: a URL, or the path of the socket. */
export function metricsLocation(address: MetricsAddress): string {
  const text = formatMetricsAddress(address);
  return 'path' in address ? text : `http://${text}/metrics`;
}

/** One line for whoever lets more than this machine in; undefined if that is not so. */
export function exposureWarning(address: MetricsAddress): string | undefined {
  if ('path' in address) return undefined;
  const { host } = address;
  if (host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)) return undefined;
  return `whoever reaches ${formatMetricsAddress(address)} may read metrics, with names of devices and files; listen on ${LOOPBACK} unless that is meant`;
}

function checkedPath(path: string): string {
  if (path === '') throw new MetricsError('unix: names no path; give unix:PATH');
  if (path.startsWith('@')) throw new MetricsError(`'${path}' is an abstract socket, to which anyone may connect; give a path`);
  return path;
}
