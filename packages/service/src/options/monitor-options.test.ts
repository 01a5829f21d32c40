import { describe, expect, it } from 'vitest';
import { planOptions, planPrivateMonitor } from './monitor-options.ts';
import { SetupError } from './setup-error.ts';
import { fromCommandLine, fromConfigFile, type SetupOption } from './setup-option.ts';

const typed = (name: SetupOption['name'], text: string): SetupOption => fromCommandLine({ name, text });
const entry = (name: string, value: string, line: number) => ({ name, value, line });

describe('planOptions', () => {
  it('has the default for a command line that asks for no monitor, also if it has a chardev', () => {
    expect(planOptions([typed('chardev', 'null,id=c')], 'stdio').monitors.map(({ chardev }) => chardev.backend)).toEqual(['stdio']);
    expect(planOptions([typed('qmp', 'none')], 'stdio').monitors).toEqual([]);
    expect(planOptions([], undefined).monitors).toEqual([]);
  });

  it('makes one of each kind', () => {
    const options = [typed('qmp-pretty', 'unix:p,server=on'), typed('mon', 'c'), typed('chardev', 'null,id=c'), typed('qmp', 'unix:q,server=on'), typed('monitor', 'stdio')];
    expect(planOptions(options, undefined).monitors.map(({ mode }) => mode)).toEqual(['readline', 'control', 'control-pretty', 'readline']);
  });

  it('names the option at fault, or its line in a file', () => {
    const inFile = fromConfigFile({ option: 'chardev', line: 7, entries: [entry('id', 'c', 7), entry('backend', 'sokcet', 8)] }, 'vm.conf');
    expect(() => planOptions([typed('qmp', 'udp:1')], undefined)).toThrow(SetupError);
    expect(() => planOptions([typed('qmp', 'udp:1')], undefined)).toThrow(/^-qmp udp:1: /);
    expect(() => planOptions([inFile], undefined)).toThrow(/^vm\.conf:7: .*sokcet/);
  });
});

it('a private monitor may lie at any path', () => {
  expect(planPrivateMonitor('/a,b/c=d').monitors).toMatchObject([{ mode: 'control', chardev: { address: { path: '/a,b/c=d' }, server: true, wait: false } }]);
});
