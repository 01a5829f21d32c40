import { MachineError } from '@vpmem/machine';
import { MonitorError } from '@vpmem/monitor';
import { describe, expect, it } from 'vitest';
import { namedMistake } from './named-mistake.ts';
import { SetupError } from './setup-error.ts';
import { fromCommandLine, fromConfigFile } from './setup-option.ts';

const typed = (text: string) => fromCommandLine({ name: 'm', text });
const inFile = fromConfigFile({ option: 'm', line: 3, entries: [{ name: 'size', value: '1Q', line: 4 }] }, 'vm.conf');

describe('namedMistake', () => {
  it.each([
    ['as typed', [typed('1Q')], '-m 1Q: no size', '-m 1Q: no size'],
    ['where it stands in a file', [typed('1G'), inFile], '-m size=1Q: no size', 'vm.conf:3: no size'],
    ['of several parts, if there is one', [inFile], '-m: too small', 'vm.conf:3: too small'],
    ['of several parts as a whole', [typed('1G'), inFile], '-m: too small', '-m: too small'],
    ['of no option', [typed('1G')], 'too small', 'too small'],
  ])('names the option %s', (_, options, given, told) => {
    expect(namedMistake(new MachineError('bad-size', 'size', given), options)).toEqual(new SetupError(told));
    expect(namedMistake(new MonitorError('conflict', given), options)).toBeInstanceOf(SetupError);
  });

  it('leaves alone what is nobody\'s mistake', () => {
    const error = new TypeError('-m 1G: x');
    expect(namedMistake(error, [typed('1G')])).toBe(error);
  });
});
