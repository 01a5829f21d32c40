import { describe, expect, it } from 'vitest';
import { describeChardev } from './chardev-options.ts';
import { parseDevice } from './device-text.ts';

const shown = (text: string): string => {
  const device = parseDevice(text);
  return device.kind === 'own' ? describeChardev(device.options) : device.kind;
};
const socket = { backend: 'socket', telnet: false, clients: 1 };

describe('parseDevice', () => {
  it.each([
    ['unix:/run/m,server=on,wait=off', { ...socket, address: { path: '/run/m' }, server: true, wait: false }],
    ['unix:/run/m,server,nowait', { ...socket, address: { path: '/run/m' }, server: true, wait: false }],
    ['unix:/run/m,server=on', { ...socket, address: { path: '/run/m' }, server: true, wait: true }],
    ['unix:/run/m', { ...socket, address: { path: '/run/m' }, server: false, wait: false }],
    ['unix:/run/a,,b:c,server,nowait', { ...socket, address: { path: '/run/a,b:c' }, server: true, wait: false }],
    ['tcp:127.0.0.1:4444,server=on,wait=off', { ...socket, address: { host: '127.0.0.1', port: 4444 }, server: true, wait: false }],
    ['tcp::4444,server=on,wait=off', { ...socket, address: { host: '127.0.0.1', port: 4444 }, server: true, wait: false }],
    ['tcp:[::1]:4444,server,nowait', { ...socket, address: { host: '::1', port: 4444 }, server: true, wait: false }],
    ['tcp:h:1,nodelay=on', { ...socket, address: { host: 'h', port: 1 }, server: false, wait: false }],
    ['tcp:h:1,server=on,wait=off,telnet=on', { ...socket, address: { host: 'h', port: 1 }, server: true, wait: false, telnet: true }],
    ['unix:/run/m,server=on,wait=off,clients=3', { ...socket, address: { path: '/run/m' }, server: true, wait: false, clients: 3 }],
    ['telnet:h:0,server,nowait', { ...socket, address: { host: 'h', port: 0 }, server: true, wait: false, telnet: true }],
    ['stdio', { backend: 'stdio' }],
    ['null', { backend: 'null' }],
  ])('%s', (text, options) => {
    expect(parseDevice(text)).toEqual({ kind: 'own', options });
  });

  it('knows none, and character devices by id', () => {
    expect(parseDevice('none')).toEqual({ kind: 'none' });
    expect(parseDevice('chardev:m:1')).toEqual({ kind: 'chardev', id: 'm:1' });
  });

  it.each(['unix:/run/m', 'unix:/run/m,server=on', 'tcp:[::1]:5,server=on', 'telnet:h:5,server=on', 'stdio'])('%s is shown as it is written', (text) => {
    expect(shown(text)).toBe(text);
  });

  it.each([
    ['foo', 'unknown-backend', /'foo' is not a valid char driver; it has to be one of stdio, none/],
    ['stido', 'unknown-backend', /did you mean 'stdio'/],
    ['pty', 'unknown-backend', /use unix:PATH/],
    ['websocket:h:1,server=on', 'unknown-backend', /use tcp:/],
    ['mon:stdio', 'unknown-backend', /use stdio/],
    ['unix:', 'bad-address', /there is no path/],
    ['unix:,server=on', 'bad-address', /there is no path/],
    ['tcp:1234', 'bad-address', /not HOST:PORT/],
    ['tcp:h:xx,server=on', 'bad-address', /port from 0 to 65535/],
    ['tcp:h:65536', 'bad-address', /port from 0 to 65535/],
    ['tcp:h:0', 'bad-address', /port 0 cannot be connected to/],
    ['unix:p,wait=off', 'conflict', /add server=on/],
    ['unix:p,server=on,foo=1', 'unknown-parameter', /Invalid parameter 'foo'/],
    ['unix:p,server=on,nowiat', 'unknown-parameter', /'wiat': did you mean 'wait'/],
    ['unix:p,server=maybe', 'invalid-value', /'server' expects 'on' or 'off'/],
    ['unix:p,reconnect=1', 'refused-parameter', /connects out once/],
  ])('refuses %s', (text, code, message) => {
    expect(() => parseDevice(text)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  });
});
