import { expect, it } from 'vitest';
import { judge } from './agent-answer.ts';
import type { GuestOutcome } from './checking-guest.ts';

const answer = (values: Record<string, string>): GuestOutcome => ({ kind: 'answer', values: new Map(Object.entries(values).map(([name, text]) => [name, Buffer.from(text)])) });
const fine = { status: '0', signal: '0', late: '0', out: 'well\n', err: '', both: 'well\n', unmount: '0' };

it.each<[string, GuestOutcome, object | undefined]>([
  ['a checker that is content', answer(fine), { verdict: 'kept', step: 'check', signature: 'well', output: 'well\n' }],
  ['a signal', answer({ ...fine, signal: '11', out: '' }), { verdict: 'violated', step: 'check', signature: 'signal SIGSEGV' }],
  ['one that was killed', answer({ ...fine, signal: '9', late: '1', out: '' }), { verdict: 'hang', step: 'check', signature: 'no answer in time' }],
  ['an unmount that failed', answer({ ...fine, unmount: '5' }), { verdict: 'violated', step: 'unmount', signature: 'umount2: i/o error (EIO)' }],
  ['a checker that had something to say before that', answer({ ...fine, status: '1', unmount: '5' }), { verdict: 'violated', step: 'check', signature: 'well' }],
  ['an unmount before the check', answer({ unmount: '5' }), { verdict: 'violated', step: 'unmount' }],
  [
    'a mount that failed',
    answer({ mount: '117', kernel: '6 pmem0: just so\n3 EXT4-fs (pmem0): bad geometry\n2 sda: alien\n' }),
    { verdict: 'violated', step: 'mount', signature: 'mount: structure needs cleaning (EUCLEAN): EXT4-fs: bad geometry', output: 'pmem0: just so\nEXT4-fs (pmem0): bad geometry\n' },
  ],
  ['a mount that failed without a word', answer({ mount: '22', kernel: '' }), { verdict: 'violated', step: 'mount', signature: 'mount: invalid argument (EINVAL)' }],
  ['what cannot be started', answer({ problem: 'fork: no' }), { verdict: 'broken', step: 'check', signature: 'fork: no' }],
  ['silence', { kind: 'silent', step: 'unmount', console: '' }, { verdict: 'hang', step: 'unmount', signature: 'the unmount did not end in time' }],
  ['a panic', { kind: 'panic', step: 'mount', console: '[ 1.0] Kernel panic - not syncing: x' }, { verdict: 'violated', step: 'mount', signature: 'kernel: Kernel panic - not syncing: x' }],
  ['a guest that is gone', { kind: 'gone', step: 'check', why: 'QEMU ended' }, undefined],
])('%s', (_, outcome, judged) => {
  const said = judge(outcome);
  if (judged === undefined) expect(said).toBeUndefined();
  else expect(said).toMatchObject(judged);
});
