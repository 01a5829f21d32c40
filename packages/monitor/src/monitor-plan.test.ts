import { describe, expect, it } from 'vitest';
import { NO_MONITORS, planMonitors, type MonitorOptions, type MonitorPlan } from './monitor-plan.ts';

const plan = (options: Partial<MonitorOptions>): MonitorPlan => planMonitors({ ...NO_MONITORS, ...options });
const path = { backend: 'socket', address: { path: 'p' }, server: true, wait: false, telnet: false, clients: 1 };

describe('planMonitors', () => {
  it('plans nothing for nothing', () => {
    expect(plan({})).toEqual({ monitors: [], warnings: [] });
    expect(plan({ monitor: ['none'], qmp: ['none'] }).monitors).toEqual([]);
  });

  it('takes every way to ask for a monitor', () => {
    const { monitors, warnings } = plan({
      monitor: ['unix:p,server,nowait', 'chardev:c'],
      qmp: ['unix:p,server=on,wait=off'],
      qmpPretty: ['null'],
      mon: ['a,id=a', 'b,mode=control,id=monitor', 'chardev=d,mode=control,pretty=on'],
      chardev: ['socket,id=a,path=p,server=on,wait=off', 'null,id=b', 'stdio,id=c', 'backend=socket,id=d,port=1,server=on,wait=off,telnet=on'],
    });
    expect(warnings).toEqual([]);
    expect(monitors).toEqual([
      { option: '-monitor unix:p,server,nowait', label: 'compat_monitor0', mode: 'readline', chardev: path },
      { option: '-monitor chardev:c', label: 'c', mode: 'readline', chardev: { backend: 'stdio' } },
      { option: '-qmp unix:p,server=on,wait=off', label: 'compat_monitor1', mode: 'control', chardev: path },
      { option: '-qmp-pretty null', label: 'compat_monitor2', mode: 'control-pretty', chardev: { backend: 'null' } },
      { option: '-mon a,id=a', label: 'a', mode: 'readline', chardev: path },
      { option: '-mon b,mode=control,id=monitor', label: 'b', mode: 'control', chardev: { backend: 'null' } },
      {
        option: '-mon chardev=d,mode=control,pretty=on',
        label: 'd',
        mode: 'control-pretty',
        chardev: { backend: 'socket', address: { host: '127.0.0.1', port: 1 }, server: true, wait: false, telnet: true, clients: 1 },
      },
    ]);
  });

  it.each([
    [{ monitor: ['stdio'], qmp: ['stdio'] }, 'stdio-twice', /^-qmp stdio: cannot use stdio by multiple character devices: -monitor stdio has it/],
    [{ mon: ['nope'] }, 'chardev-missing', /^-mon nope: chardev "nope" not found; add -chardev/],
    [{ monitor: ['chardev:zz'], chardev: ['null,id=a'] }, 'chardev-missing', /^-monitor chardev:zz: chardev "zz" not found; there is a/],
    [{ chardev: ['null,id=a'], mon: ['a', 'a,mode=control'] }, 'chardev-busy', /^-mon a,mode=control: chardev 'a' is already in use/],
    [{ chardev: ['null,id=a', 'stdio,id=a'] }, 'duplicate-id', /^-chardev stdio,id=a: there is a chardev 'a' already/],
    [{ chardev: ['null,id=a'], mon: ['a,pretty=on'] }, 'conflict', /not compatible with HMP/],
    [{ chardev: ['null,id=a'], mon: ['a,mode=foo'] }, 'invalid-value', /^-mon a,mode=foo: Parameter 'mode' does not accept value 'foo'/],
    [{ mon: ['mode=control'] }, 'missing-parameter', /^-mon mode=control: Parameter 'chardev' is missing/],
    [{ chardev: ['null,id=a', 'null,id=b'], mon: ['a,id=m'], object: ['monitor-qmp,id=m,chardev=b'] }, 'duplicate-id', /^-object monitor-qmp,id=m,chardev=b: there is a monitor 'm' already/],
    [{ chardev: ['null,id=a'], object: ['monitor-qmp,chardev=a'] }, 'missing-parameter', /Parameter 'id' is missing/],
    [{ chardev: ['null,id=a'], object: ['monitor-hmp,id=m'] }, 'missing-parameter', /Parameter 'chardev' is missing/],
    [{ chardev: ['null,id=a'], object: ['monitor-hmp,id=m,chardev=a,pretty=on'] }, 'unknown-parameter', /Invalid parameter 'pretty'/],
    [{ chardev: ['null,id=a'], object: ['monitor-hmp,id=m,chardev=a,readline=off'] }, 'refused-parameter', /lines are edited/],
    [{ chardev: ['null,id=a'], object: ['monitor-qmp,id=m,chardev=zz'] }, 'chardev-missing', /chardev "zz" not found; there is a/],
    [{ chardev: ['null,id=a', 'null,id=b'], mon: ['a,id=m', 'b,id=m'] }, 'duplicate-id', /^-mon b,id=m: there is a monitor 'm' already; give this one another id/],
    [{ chardev: ['null,id=a'], mon: ['a,id=9'] }, 'invalid-value', /^-mon a,id=9: Parameter 'id' expects an identifier/],
    [{ chardev: ['null,id=a'], mon: ['a,foo=1'] }, 'unknown-parameter', /Invalid parameter 'foo'/],
    [{ chardev: ['stdio'] }, 'missing-parameter', /^-chardev stdio: Parameter 'id' is missing/],
    [{ chardev: ['sockt,id=a'] }, 'unknown-backend', /^-chardev sockt,id=a: 'sockt' is not a valid char driver \(did you mean 'socket'\?\)/],
    [{ chardev: ['socket,id=a'] }, 'bad-address', /has no address/],
    [{ chardev: ['socket,id=a,path='] }, 'bad-address', /'path' is empty/],
    [{ chardev: ['socket,id=a,host=h'] }, 'bad-address', /there is no port on 'h'/],
    [{ chardev: ['socket,id=a,path=p,port=1'] }, 'bad-address', /one or the other/],
    [{ chardev: ['socket,id=a,path=p,wait=off'] }, 'conflict', /add server=on/],
    [{ chardev: ['socket,id=a,port=1,websocket=on'] }, 'refused-parameter', /websocket/],
    [{ chardev: ['null,id=a,mux=on'] }, 'refused-parameter', /to itself/],
    [{ chardev: ['null,id=a,logfile=x'] }, 'refused-parameter', /transcript/],
  ] as [Partial<MonitorOptions>, string, RegExp][])('refuses %j', (options, code, message) => {
    expect(() => plan(options)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
  });

  it('takes monitors as objects, in text and in JSON', () => {
    const chardev = ['null,id=a', 'null,id=b', 'null,id=c'];
    const object = ['monitor-hmp,id=h,chardev=a,readline=on', 'monitor-qmp,id=q,chardev=b', '{"qom-type":"monitor-qmp","id":"p","chardev":"c","pretty":true}'];
    const { monitors, warnings } = plan({ chardev, object });
    expect([monitors.map(({ label, mode }) => [label, mode]), warnings]).toEqual([[['a', 'readline'], ['b', 'control'], ['c', 'control-pretty']], []]);
  });

  it('takes off for what it has not', () => {
    const texts = ['null,id=a,mux=off,logappend=off', 'socket,id=b,path=p,server=on,wait=off,websocket=off,tn3270=off,abstract=off'];
    expect(plan({ chardev: texts, mon: ['a', 'b'] })).toMatchObject({ monitors: [{ label: 'a' }, { label: 'b', chardev: path }], warnings: [] });
  });

  it.each(['tcp:0.0.0.0:4444', 'telnet:[::]:4444', 'tcp:192.168.1.1:1', 'tcp:example.org:1', 'tcp:127.evil.org:1'])('warns of %s', (device) => {
    expect(plan({ qmp: [`${device},server=on,wait=off`] }).warnings).toEqual([expect.stringContaining('a monitor opens files') as string]);
  });

  it.each(['tcp::4444', 'tcp:localhost:1', 'telnet:[::1]:1', 'tcp:127.1.2.3:1'])('does not warn of %s', (device) => {
    expect(plan({ qmp: [`${device},server=on,wait=off`] }).warnings).toEqual([]);
  });

  it('warns of what nobody uses, and of flags', () => {
    const { warnings } = plan({ chardev: ['null,id=a', 'socket,id=b,path=p,server,nowait'], mon: ['b'] });
    expect(warnings).toEqual([
      expect.stringMatching(/^-chardev socket.*short-form boolean option 'server'/) as string,
      expect.stringMatching(/^-chardev socket.*short-form boolean option 'nowait'/) as string,
      expect.stringMatching(/^-chardev null,id=a: no monitor uses it/) as string,
    ]);
  });
});
