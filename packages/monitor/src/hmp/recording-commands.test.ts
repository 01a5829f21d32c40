import { beforeEach, describe, expect, it } from 'vitest';
import type { PmemInfo } from '@vpmem/machine';
import { FakeMachine } from '../fake-machine.ts';
import { machineHandlers } from '../qmp/machine-handlers.ts';
import { completeLine } from './complete-line.ts';
import type { HmpContext } from './hmp-context.ts';
import { HmpShell } from './hmp-shell.ts';

let machine: FakeMachine;
let context: HmpContext;
let shell: HmpShell;
const run = async (...lines: string[]): Promise<string> => {
  let printed = '';
  for (const line of lines) printed += await shell.run(line);
  return printed;
};

beforeEach(async () => {
  machine = new FakeMachine();
  context = { machine, program: 'p', version: 'v', chardevs: () => [] };
  shell = new HmpShell(context, (error) => { throw error as Error; });
  for (const n of [1, 2]) await run(`object_add memory-backend-file,id=mem${n},mem-path=p,size=4M`, `device_add virtio-pmem-pci,id=nv${n},memdev=mem${n}`);
});

describe('pmem_record', () => {
  it('begins, with or without the name of the action, and ends with what is in the file', async () => {
    expect(await run('pmem_record nv1 begin,file=a,,b.rec', 'pmem_record nv2 interval=50,action=begin,file=c')).toBe('');
    expect(await run('mark x', 'pmem_record nv1 end')).toBe("marked in 2 recordings\nnv1: 3 flushes, 1 marks, 4096 bytes in 'a,b.rec'\n");
    machine.recordings.incomplete = 'the disk is full';
    expect(await run('pmem_record nv2 action=end')).toBe("nv2: 3 flushes, 1 marks, 4096 bytes in 'c'; incomplete: the disk is full\n");
    expect(machine.calls).toEqual(['record nv1 {"file":"a,b.rec"}', 'record nv2 {"file":"c","interval":50}', 'mark "x"', 'endRecording nv1', 'endRecording nv2']);
  });

  it.each([
    ['pmem_record', 'pmem_record: string expected'],
    ['pmem_record nv1', 'pmem_record: string expected'],
    ['pmem_record nv1 end now', 'extraneous characters'],
    ['pmem_record nv1 file=a', "Error: Parameter 'action' is missing"],
    ['pmem_record nv1 pause', "Error: Parameter 'action'"],
    ['pmem_record nv9 begin,file=a', "Error: Device 'nv9' not found"],
    ['pmem_record nv9 end', "Error: Device 'nv9' not found"],
    ['pmem_record nv1 end', "Error: device 'nv1' is not being recorded"],
    ['pmem_record nv1 begin', 'Error: action=begin takes file: the name of a new file to record into'],
    ['pmem_record nv1 begin,file=', 'Error: action=begin takes file: the name of a new file to record into'],
    ['pmem_record nv1 end,file=a', 'Error: file is for action=begin; action=end takes none, and ends the recording that the device has'],
    ['pmem_record nv1 end,interval=5', 'Error: interval is for action=begin, not for action=end'],
    ['pmem_record nv1 begin,file=a,interval=0', 'Error: interval=0 is not an integer from 1 to 86400000'],
    ['pmem_record nv1 begin,file=a,interval=86400001', 'Error: interval=86400001 is not an integer from 1 to 86400000'],
    ['pmem_record nv1 begin,file=a,interval=often', "'often'"],
    ['pmem_record nv1 begin,file=a,colour=red', "'colour'"],
  ])('%s is refused', async (line, text) => {
    expect(await run(line)).toContain(text);
    expect(machine.calls).toEqual([]);
  });

  it('takes the shortest and the longest interval', async () => {
    expect(await run('pmem_record nv1 begin,file=a,interval=1', 'pmem_record nv2 begin,file=b,interval=86400000')).toBe('');
  });

  it('is completed', async () => {
    expect(await completeLine(context, 'pmem_r')).toEqual([['pmem_record '], 'pmem_r']);
    expect(await completeLine(context, 'pmem_record nv')).toEqual([['nv1 ', 'nv2 '], 'nv']);
    expect(await completeLine(context, 'pmem_record nv1 ')).toEqual([['action=', 'file=', 'interval='], '']);
    expect(await completeLine(context, 'pmem_record nv1 action=b')).toEqual([['begin'], 'b']);
    expect(await completeLine(context, 'pmem_record nv1 begin,file=a,in')).toEqual([['interval='], 'in']);
  });
});

describe('mark', () => {
  it.each([
    ['mark  record 17 is  acknowledged', 'record 17 is  acknowledged'],
    ['mark the "second" one', 'the "second" one'],
    [String.raw`mark " \"a\"\n b " `, ' "a"\n b '],
    ['mark -x', '-x'],
    ['mark {"n":1}', '{"n":1}'],
  ])('%s', async (line, text) => {
    await run('pmem_record nv1 begin,file=a');
    expect(await run(line)).toBe('marked in 1 recording\n');
    expect(machine.calls.slice(1)).toEqual([`mark ${JSON.stringify(text)}`]);
  });

  it.each([
    ['mark', 'mark: string expected\nTry "help mark" for more information\n'],
    ['mark "a', 'mark: unterminated string\nTry "help mark" for more information\n'],
    ['mark "a" b', 'mark: extraneous characters at the end of line\nTry "help mark" for more information\n'],
    ['mark a', 'Error: nothing is being recorded\n'],
  ])('%s is refused', async (line, text) => {
    expect(await run(line)).toBe(text);
    expect(machine.calls).toEqual([]);
  });
});

describe('QMP', () => {
  it('records, marks one device or all, and tells what is in a file', async () => {
    const handlers = machineHandlers(machine, shell);
    expect(await handlers['pmem-record']({ id: 'nv1', action: 'begin', file: 'a' })).toEqual({});
    expect(await handlers['pmem-record']({ id: 'nv2', action: 'begin', file: 'b', interval: 9 })).toEqual({});
    expect(await handlers['pmem-mark']({ text: 'x' })).toEqual({ recordings: 2 });
    expect(await handlers['pmem-mark']({ text: 'y', id: 'nv2' })).toEqual({ recordings: 1 });
    expect(await handlers['pmem-record']({ id: 'nv1', action: 'end' })).toEqual({ recording: { file: 'a', flushes: 3, marks: 1, bytes: 4096 } });
    machine.recordings.incomplete = 'gone';
    expect(await handlers['pmem-record']({ id: 'nv2', action: 'end' })).toEqual({ recording: { file: 'b', flushes: 3, marks: 2, bytes: 4096, incomplete: 'gone' } });
    expect(machine.calls).toEqual(['record nv1 {"file":"a"}', 'record nv2 {"file":"b","interval":9}', 'mark "x"', 'mark "y" nv2', 'endRecording nv1', 'endRecording nv2']);
  });

  it.each([
    ['no file', { id: 'nv1', action: 'begin' }, 'GenericError', /^action=begin takes file/],
    ['a file at the end', { id: 'nv1', action: 'end', file: 'a' }, 'GenericError', /^file is for action=begin/],
    ['no time between two looks', { id: 'nv1', action: 'begin', file: 'a', interval: -1 }, 'GenericError', /^interval=-1 is not an integer from 1/],
    ['nothing to end', { id: 'nv1', action: 'end' }, 'GenericError', /is not being recorded/],
    ['no such device', { id: 'nv9', action: 'end' }, 'DeviceNotFound', /'nv9' not found/],
  ] as const)('refuses %s', async (_, args, errorClass, message) => {
    const { 'pmem-record': record } = machineHandlers(machine, shell);
    await expect(record(args)).rejects.toMatchObject({ errorClass, message: expect.stringMatching(message) as string });
    expect(machine.calls).toEqual([]);
  });

  it('refuses a mark that nothing would have', async () => {
    const { 'pmem-mark': mark } = machineHandlers(machine, shell);
    await expect(mark({ text: 'x' })).rejects.toMatchObject({ errorClass: 'GenericError', message: 'nothing is being recorded' });
    await expect(mark({ text: 'x', id: 'nv9' })).rejects.toMatchObject({ errorClass: 'DeviceNotFound' });
  });
});

it('info pmem and query-pmem tell what is being recorded, and what finds the pages that were written', async () => {
  const info: PmemInfo = {
    type: 'virtio-pmem', id: 'nv1', path: '/machine/peripheral/nv1', memdev: '/objects/mem1', backingFile: 'p', volatile: undefined, size: 4096, socket: undefined, connected: true, driver: 'ready',
    flushes: { asked: 1, synced: 1, coalesced: 0, failed: 0, inFlight: 0 }, latency: undefined, lastError: undefined,
    exposure: { bytes: 0, oldest: undefined, cuts: 0, tracker: { kind: 'compare', reason: 'the client may not be traced' } }, memoryPath: '/proc/1/fd/9',
    recording: { file: 'nv1.rec', flushes: 7, marks: 2, bytes: 900, incomplete: 'no space is left' },
  };
  machine.pmemInfo = [info];
  const handlers = machineHandlers(machine, shell);
  expect((await run('info pmem')).split('\n').slice(2)).toEqual([
    'nv1: 0 bytes not durable; memory at /proc/1/fd/9',
    'nv1: tracker compare: the client may not be traced',
    "nv1: recording: 7 flushes, 2 marks, 900 bytes in 'nv1.rec'; incomplete: no space is left",
    '',
  ]);
  expect(await handlers['query-pmem']({})).toMatchObject([
    {
      'power-failure': { 'volatile-bytes': 0, cuts: 0, tracker: 'compare', 'tracker-reason': 'the client may not be traced' },
      recording: { file: 'nv1.rec', flushes: 7, marks: 2, bytes: 900, incomplete: 'no space is left' },
    },
  ]);
  machine.pmemInfo = [{ ...info, exposure: { bytes: 0, oldest: undefined, cuts: 0, tracker: { kind: 'uffd', reason: undefined } }, recording: { ...info.recording!, incomplete: undefined } }];
  expect((await run('info pmem')).split('\n').slice(3)).toEqual(['nv1: tracker uffd', "nv1: recording: 7 flushes, 2 marks, 900 bytes in 'nv1.rec'", '']);
  const [told] = await handlers['query-pmem']({});
  expect(told?.['power-failure']).toEqual({ 'volatile-bytes': 0, cuts: 0, 'memory-path': '/proc/1/fd/9', tracker: 'uffd' });
  expect(told?.recording).toEqual({ file: 'nv1.rec', flushes: 7, marks: 2, bytes: 900 });
});
