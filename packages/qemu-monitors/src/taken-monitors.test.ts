import { describe, expect, it } from 'vitest';
import { splitCommandLine } from '@vpmem/qemu';
import { takeMonitors, type TakenMonitors } from './taken-monitors.ts';

const take = (...args: string[]): TakenMonitors & { args: string[] } => {
  const taken = takeMonitors(splitCommandLine(args), '/f');
  return { ...taken, args: taken.items.flatMap(({ words }) => words) };
};
const unix = (path: string, more: object = {}): object => ({ kind: 'unix', options: { at: { path }, server: true, wait: false, telnet: false, ...more } });
const stdio = { kind: 'plain', options: { backend: 'stdio' } };

describe('monitors of their own device', () => {
  it('speaking QMP get a socket in QEMU that only we know, in their place', () => {
    const { args, monitors } = take('-m', '1G', '-qmp', 'unix:/q,server,nowait', '-qmp-pretty', 'stdio', '-S');
    expect(args).toEqual(['-m', '1G', '-qmp', 'unix:/f/monitor-0,server=on,wait=off', '-qmp-pretty', 'unix:/f/monitor-1,server=on,wait=off', '-S']);
    expect(monitors).toEqual([
      { option: '-qmp unix:/q,server,nowait', mode: 'control', chardev: unix('/q'), socket: '/f/monitor-0', console: undefined },
      { option: '-qmp-pretty stdio', mode: 'control-pretty', chardev: stdio, socket: '/f/monitor-1', console: undefined },
    ]);
  });

  it('for people are ours alone', () => {
    const { args, monitors } = take('--monitor', 'tcp:127.0.0.1:4444,server=on,wait=off');
    expect(args).toEqual(['--monitor', 'null']);
    expect(monitors).toMatchObject([{ mode: 'readline', socket: undefined, chardev: { kind: 'plain', options: { backend: 'socket', address: { host: '127.0.0.1', port: 4444 }, server: true } } }]);
  });

  it('that are none stay as they are', () => {
    expect(take('-monitor', 'none', '-qmp', 'null')).toMatchObject({ monitors: [], args: ['-monitor', 'none', '-qmp', 'null'] });
  });

  it.each([
    ['unix:/q', { at: { path: '/q' }, server: false, wait: false }],
    ['unix:/a,,b,server=on', { at: { path: '/a,b' }, server: true, wait: true }],
    ['unix:/q,server=on,telnet=on,wait=off', { at: { path: '/q' }, server: true, wait: false, telnet: true }],
  ])('%s is read as QEMU reads it', (device, options) => {
    expect(take('-qmp', device).monitors).toMatchObject([{ chardev: { kind: 'unix', options } }]);
  });

  it.each([
    ['tcp::4444,server,nowait', { host: '0.0.0.0', port: 4444 }],
    ['tcp:localhost:1', { host: 'localhost', port: 1 }],
    ['tcp:[::1]:2,server=on', { host: '::1', port: 2 }],
    ['telnet:h:3,server=on', { host: 'h', port: 3 }],
  ])('%s is that address', (device, address) => {
    expect(take('-qmp', device).monitors).toMatchObject([{ chardev: { options: { backend: 'socket', address } } }]);
  });

  it('is on pipes', () => {
    expect(take('-qmp', 'pipe:/p').monitors).toMatchObject([{ chardev: { kind: 'pipe', path: '/p' } }]);
  });
});

describe('monitors on a chardev', () => {
  it("by -mon, as libvirt has them: the chardev's backend changes, and nothing else", () => {
    const { args, monitors, chardevs } = take('-chardev', 'socket,id=charmonitor,fd=25,server=on,wait=off', '-mon', 'chardev=charmonitor,id=monitor,mode=control');
    expect(args).toEqual(['-chardev', 'socket,id=charmonitor,path=/f/monitor-0,server=on,wait=off', '-mon', 'chardev=charmonitor,id=monitor,mode=control']);
    expect(monitors).toMatchObject([{ mode: 'control', chardev: { kind: 'unix', options: { at: { fd: 25 }, server: true, wait: false } } }]);
    expect([...chardevs]).toEqual(['charmonitor']);
  });

  it.each([
    [['-mon', 'c'], 'readline'],
    [['-mon', 'chardev=c,mode=control,pretty=on'], 'control-pretty'],
    [['-monitor', 'chardev:c'], 'readline'],
    [['-qmp', 'chardev:c'], 'control'],
    [['-object', 'monitor-qmp,id=m,chardev=c'], 'control'],
    [['-object', 'monitor-hmp,id=m,chardev=c'], 'readline'],
  ])('by %j', (words, mode) => {
    const { args, monitors } = take(...words, '-chardev', 'socket,id=c,path=/q,server=on');
    expect(monitors).toMatchObject([{ mode, chardev: { options: { at: { path: '/q' } } } }]);
    expect(args).toEqual([...words, '-chardev', mode === 'readline' ? 'null,id=c' : 'socket,id=c,path=/f/monitor-0,server=on,wait=off']);
  });

  it('with a console beside: QEMU has that alone', () => {
    const { args, monitors } = take('-chardev', 'stdio,mux=on,id=c', '-serial', 'chardev:c', '-mon', 'chardev=c,mode=readline');
    expect(args).toEqual(['-chardev', 'socket,id=c,path=/f/monitor-0', '-serial', 'chardev:c']);
    expect(monitors).toEqual([{ option: '-mon chardev=c,mode=readline', mode: 'readline', chardev: stdio, socket: undefined, console: '/f/monitor-0' }]);
  });

  it('does not touch chardevs of others', () => {
    expect(take('-chardev', 'socket,id=c,path=/q,server=on', '-device', 'virtserialport,chardev=c')).toMatchObject({ monitors: [] });
  });

  it.each([
    ['without mux=on, shared', ['-chardev', 'stdio,id=c', '-serial', 'chardev:c', '-mon', 'c']],
    ['that there is none of', ['-mon', 'chardev=nothing']],
    ['with a property that does not exist', ['-chardev', 'socket,id=c,path=/q,colour=red', '-mon', 'c']],
    ['of a kind that does not exist', ['-qmp', 'carrier-pigeon']],
    ['on the terminal, twice', ['-qmp', 'stdio', '-monitor', 'stdio']],
    ['on the terminal, in the background', ['-daemonize', '-monitor', 'stdio']],
    ['on the terminal, beside a console there', ['-serial', 'stdio', '-monitor', 'stdio']],
  ])('%s are left to QEMU, which refuses them', (_, args) => {
    expect(take(...args)).toMatchObject({ monitors: [], args });
  });

  it.each([
    [['-chardev', 'socket,id=c,path=/q,server=on', '-mon', 'c', '-set', 'chardev.c.path=/elsewhere'], /^-set chardev.c.path=.elsewhere: vpmem has the chardev/],
    [['-monitor', 'pty'], /^-monitor pty: a monitor on 'pty' is QEMU's alone, and would bypass vpmem; use unix:PATH/],
    [['-monitor', 'vc'], /^-monitor vc: .*use unix:PATH/],
    [['-chardev', 'ringbuf,id=c', '-mon', 'c'], /^-chardev ringbuf,id=c: a monitor on 'ringbuf'/],
    [['-qmp', 'unix:/q,server=on,websocket=on'], /'websocket' is not supported for a monitor/],
    [['-chardev', 'socket,id=c,path=/q,server=on,logfile=/l', '-mon', 'c'], /'logfile' is not supported for a monitor; use script/],
    [['-chardev', 'stdio,id=c,mux=on', '-mon', 'c', '-serial', 'chardev:c', '-parallel', 'chardev:c'], /a console and a human monitor on one character device, not more/],
    [['-chardev', 'stdio,id=c,mux=on', '-mon', 'c,mode=control', '-serial', 'chardev:c'], /a console and a human monitor/],
  ])('%j is refused, and never bypasses vpmem', (args, message) => {
    expect(() => take(...args)).toThrow(message);
  });
});

describe('the monitor of -nographic', () => {
  it('is beside the serial line on the terminal', () => {
    const { args, monitors } = take('-nographic', '-m', '1G');
    expect(args).toEqual(['-nographic', '-m', '1G', '-serial', 'unix:/f/monitor-0', '-monitor', 'none']);
    expect(monitors).toMatchObject([{ option: '-nographic', mode: 'readline', chardev: stdio, console: '/f/monitor-0' }]);
  });

  it('has the terminal alone where the serial line is elsewhere', () => {
    const { args, monitors } = take('-nographic', '-serial', 'null');
    expect(args).toEqual(['-nographic', '-serial', 'null', '-monitor', 'none']);
    expect(monitors).toMatchObject([{ chardev: stdio, console: undefined }]);
  });

  it.each([[['-monitor', 'none']], [['-qmp', 'null']], [['-nodefaults']]])('is not there beside %j', (more) => {
    expect(take('-nographic', ...more)).toMatchObject({ monitors: [], args: ['-nographic', ...more] });
  });

  it('is where -serial mon: says', () => {
    const { args, monitors } = take('-display', 'none', '-serial', 'mon:stdio');
    expect(args).toEqual(['-display', 'none', '-serial', 'unix:/f/monitor-0']);
    expect(monitors).toMatchObject([{ chardev: stdio, console: '/f/monitor-0' }]);
  });
});
