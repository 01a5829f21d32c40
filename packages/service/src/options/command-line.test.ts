import { describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';
import { SetupError } from './setup-error.ts';

describe('readCommandLine', () => {
  it('keeps options in their order, with one dash or two, under their own names', () => {
    expect(readCommandLine(['-device', 'd1', '--object', 'o1', '-M', 'q35', '-S', '-object', 'o2'], 'vpmem run')).toEqual({
      action: 'run',
      options: [
        { name: 'device', text: 'd1' },
        { name: 'object', text: 'o1' },
        { name: 'machine', text: 'q35' },
        { name: 'S', text: '' },
        { name: 'object', text: 'o2' },
      ],
      words: ['-device', 'd1', '--object', 'o1', '-M', 'q35', '-S', '-object', 'o2'],
    });
  });

  it('an argument may look like an option', () => {
    expect(readCommandLine(['-D', '-h'], 'vpmemd')).toEqual({ action: 'run', options: [{ name: 'D', text: '-h' }], words: ['-D', '-h'] });
  });

  it.each([
    [['-h'], { action: 'help' }],
    [['--help'], { action: 'help' }],
    [['-object', 'x', '-version'], { action: 'version' }],
    [['-object', 'help'], { action: 'describe', option: 'object' }],
    [['-device', '?'], { action: 'describe', option: 'device' }],
    [['-msg', 'help'], { action: 'describe', option: 'msg' }],
    [['-msg', '?'], { action: 'describe', option: 'msg' }],
    [['-chardev', 'help'], { action: 'describe', option: 'chardev' }],
    [['-chardev', 'socket,?'], { action: 'describe', option: 'chardev', type: 'socket' }],
    [['-chardev', 'socket,path=help'], { action: 'run', options: [{ name: 'chardev', text: 'socket,path=help' }], words: ['-chardev', 'socket,path=help'] }],
    [['-name', 'help'], { action: 'run', options: [{ name: 'name', text: 'help' }], words: ['-name', 'help'] }],
  ])('%j', (words, wanted) => {
    expect(readCommandLine(words, 'vpmemd')).toEqual(wanted);
  });

  it.each(['help', '?', 'q35,help'])('-machine %s is answered where there is a machine', (text) => {
    expect(readCommandLine(['-machine', text], 'vpmem run')).toEqual({ action: 'describe', option: 'machine' });
    expect(() => readCommandLine(['-machine', text], 'vpmemd')).toThrow(SetupError);
  });

  it.each([
    [['-drive', 'x'], '-drive: invalid option; vpmemd -help lists those there are'],
    [['mem.img'], 'mem.img: invalid option; vpmemd -help lists those there are'],
    [['-'], '-: invalid option; vpmemd -help lists those there are'],
    [['--devcie', 'x'], '--devcie: invalid option: did you mean -device? vpmemd -help lists those there are'],
    [['-object', 'x', '-device'], '-device: requires an argument: -device TYPE[,id=ID][,PROPERTY=VALUE]…'],
    [['-m', '1G'], "-m: vpmemd does not take it: machine, memory and processors are the VM's own; give it to the VM"],
    [['-M', 'pc'], "-M: vpmemd does not take it: machine, memory and processors are the VM's own; give it to the VM"],
    [['-S'], "-S: vpmemd does not take it: machine, memory and processors are the VM's own; give it to the VM"],
    [['-pidfile', 'a', '-pidfile', 'b'], '-pidfile b: there is one already; give -pidfile once'],
  ])('%j is refused by name', (words, message) => {
    expect(() => readCommandLine(words, 'vpmemd')).toThrow(new SetupError(message));
  });
});
