import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorMetricsAddress, exposureWarning, formatMetricsAddress, metricsLocation, parseMetricsAddress } from './metrics-address.ts';

describe('parseMetricsAddress', () => {
  it.each([
    ['unix:m.sock', { path: 'm.sock' }],
    ['unix:/run/m,1.sock', { path: '/run/m,1.sock' }],
    ['./m.sock', { path: './m.sock' }],
    ['/run/m:9100', { path: '/run/m:9100' }],
    ['9100', { host: '127.0.0.1', port: 9100 }],
    [':0', { host: '127.0.0.1', port: 0 }],
    ['localhost:9100', { host: 'localhost', port: 9100 }],
    ['tcp:0.0.0.0:65535', { host: '0.0.0.0', port: 65535 }],
    ['[::1]:9100', { host: '::1', port: 9100 }],
  ])('%s', (text, address) => {
    expect(parseMetricsAddress(text)).toEqual(address);
    expect(parseMetricsAddress(formatMetricsAddress(parseMetricsAddress(text)))).toEqual(address);
  });

  it.each([
    ['', "'' is no address"],
    ['metrics', "'metrics' is no address; give unix:PATH, PORT, or HOST:PORT"],
    ['localhost:', 'is no address'],
    ['::1:9100', 'is no address'],
    ['localhost:-1', 'is no address'],
    ['65536', 'there is no port 65536'],
    ['unix:', 'names no path'],
    ['unix:@vpmem', 'abstract socket'],
  ])('refuses %j', (text, message) => {
    expect(() => parseMetricsAddress(text)).toThrow(message);
  });
});

it('says where to look', () => {
  expect(metricsLocation({ host: '::1', port: 9100 })).toBe('http://[::1]:9100/metrics');
  expect(metricsLocation({ path: '/run/m.sock' })).toBe('unix:/run/m.sock');
  expect(anchorMetricsAddress({ path: 'm.sock' })).toEqual({ path: resolve('m.sock') });
});

it.each(['9100', 'localhost:1', '127.8.0.1:1', '[::1]:1', 'unix:x'])('%s is for this machine alone', (text) => {
  expect(exposureWarning(parseMetricsAddress(text))).toBeUndefined();
});

it.each(['0.0.0.0:9100', '[::]:9100', '10.0.0.1:9100', '127.evil.example:1'])('%s is warned of', (text) => {
  expect(exposureWarning(parseMetricsAddress(text))).toContain('listen on 127.0.0.1 unless that is meant');
});
