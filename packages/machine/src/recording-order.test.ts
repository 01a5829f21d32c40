import { resolve } from 'node:path';
import type { BackendDescription } from '@vpmem/memory-backend';
import { describe, expect, it } from 'vitest';
import { checkMark, checkRecordable, nothingRecorded, recordingOrder } from './recording-order.ts';

const plain: BackendDescription = { id: 'mem1', type: 'memory-backend-file', size: 4096, fd: -1, offset: 0, align: 4096, path: 'f', volatile: undefined, discardData: false, was: 'there' };
const apart: BackendDescription = { ...plain, medium: { fd: -1, offset: 0 } };

describe('the order of a recording', () => {
  it('names the file wherever this process is', () => {
    expect(recordingOrder('nv1', apart, { file: 'run.vpmrec' })).toEqual({ target: { path: resolve('run.vpmrec') }, interval: undefined });
    expect(recordingOrder('nv1', apart, { file: '/tmp/run.vpmrec', interval: 1 })).toEqual({ target: { path: '/tmp/run.vpmrec' }, interval: 1 });
  });

  it.each([
    [{ file: '' }, 'recording', "device 'nv1': file is empty; it names the file to make"],
    [{ file: 'f', interval: 0 }, 'bad-value', 'interval=0 is no number of milliseconds from 1 to 86400000'],
    [{ file: 'f', interval: 1.5 }, 'bad-value', 'interval=1.5 is no number of milliseconds from 1 to 86400000'],
    [{ file: 'f', interval: 86_400_001 }, 'bad-value', 'interval=86400001 is no number of milliseconds from 1 to 86400000'],
  ])('is refused as %o', (request, code, message) => {
    expect(() => recordingOrder('nv1', apart, request)).toThrow(expect.objectContaining({ code, message }) as Error);
  });

  it('is refused for a device whose memory is its file', () => {
    const message = "device 'nv1': memory backend 'mem1' does not keep apart what is durable, so there is nothing to record; make it with power-failure=on or record=FILE";
    expect(() => recordingOrder('nv1', plain, { file: 'f' })).toThrow(expect.objectContaining({ code: 'not-supported', property: 'power-failure', message }) as Error);
    expect(() => checkRecordable('nv1', apart)).not.toThrow();
  });
});

describe('the text of a mark', () => {
  it.each(['a', 'record 17 is acknowledged', 'ä'.repeat(2048), '✓ "quoted" \\'])('can be %j', (text) => {
    expect(() => checkMark(text)).not.toThrow();
  });

  it.each([
    ['', /^the mark is empty; say what is to be found again/],
    ['ä'.repeat(2048) + 'x', /^the mark has 4097 bytes; 4096 is the most$/],
    ['two\nlines', /^the mark has a control character, such as a line break; a mark is one line$/],
    ['\u007f', /control character/],
  ])('cannot be %j', (text, message) => {
    expect(() => checkMark(text)).toThrow(expect.objectContaining({ code: 'bad-value', property: 'text', message: expect.stringMatching(message) as string }) as Error);
  });
});

it('nothing that is recorded: what to do is said', () => {
  expect(nothingRecorded().message).toBe('nothing is being recorded; begin with record=FILE on a memory backend, or with pmem_record');
});
