import { mountFailure, OUTPUT_LIMIT, verdictOf } from '@vpmem/check-places';
import type { CheckStep, Verdict } from '@vpmem/explorer';
import { signalName, SystemError } from '@vpmem/native';
import type { GuestOutcome } from './checking-guest.ts';
import { AGENT } from './guest-agent.ts';
import { panicSignature } from './kernel-words.ts';

/** What a check came to, but for what only the host knows. */
export interface Judged {
  readonly verdict: Verdict;
  readonly step: CheckStep;
  readonly signature: string;
  readonly output: string;
}

const NOT_IN_TIME: Readonly<Record<CheckStep, string>> = { mount: 'the mount did not end in time', check: 'no answer in time', unmount: 'the unmount did not end in time' };

/** What the end of a request to the agent says of the image; undefined where it says nothing, because the guest was switched off or ended. */
export function judge(outcome: GuestOutcome): Judged | undefined {
  switch (outcome.kind) {
    case 'answer':
      return judgeAnswer(outcome.values);
    case 'panic':
      return { verdict: 'violated', step: stepOf(outcome.step), signature: panicSignature(outcome.console), output: outcome.console.slice(0, OUTPUT_LIMIT) };
    case 'silent':
      return { verdict: 'hang', step: stepOf(outcome.step), signature: NOT_IN_TIME[stepOf(outcome.step)], output: outcome.console.slice(0, OUTPUT_LIMIT) };
    case 'gone':
      return undefined;
  }
}

function judgeAnswer(values: ReadonlyMap<string, Buffer>): Judged {
  const text = (name: string): string => values.get(name)?.toString() ?? '';
  const number = (name: string): number => Number(text(name) || 0);
  const problem = text('problem');
  if (problem !== '') return { verdict: 'broken', step: 'check', signature: problem, output: problem };
  if (number('mount') !== 0) return { verdict: 'violated', step: 'mount', ...mountFailure(new SystemError(number('mount'), 'mount'), AGENT.device, linesOf(text('kernel'))) };
  const unmount: Judged | undefined =
    number('unmount') === 0 ? undefined : { verdict: 'violated', step: 'unmount', signature: new SystemError(number('unmount'), 'umount2').message, output: text('both') };
  if (!values.has('status')) return unmount ?? { verdict: 'broken', step: 'check', signature: 'the guest said nothing of the checker', output: '' };
  const signal = number('signal');
  const said = verdictOf({
    status: number('status'),
    signal: signal === 0 || number('late') === 1 ? undefined : signalName(signal),
    timedOut: number('late') === 1,
    stdout: text('out'),
    stderr: text('err'),
  });
  if (said.verdict === 'kept' && unmount !== undefined) return unmount;
  return { ...said, step: 'check', output: text('both') };
}

/** Lines that begin with their level, as the agent sends them. */
function linesOf(kernel: string): { readonly level: number; readonly text: string }[] {
  return kernel.split('\n').map((line) => ({ level: Number(line.slice(0, 1)), text: line.slice(2) }));
}

function stepOf(step: string): CheckStep {
  return step === 'mount' || step === 'unmount' ? step : 'check';
}
