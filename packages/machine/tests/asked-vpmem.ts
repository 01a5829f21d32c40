import { BackendError } from '@vpmem/memory-backend';
import { OptionError, parseOption, type OptionSyntax, type ParsedOption } from '@vpmem/options';
import { Machine } from '../src/machine.ts';
import { MachineError } from '../src/machine-error.ts';
import type { Verdict } from './option-case.ts';

/** An option as one entry point takes it. */
export interface VpmemOption {
  readonly kind: 'object' | 'device';
  readonly text: string;
}

/** How vpmemd's command line, and our monitors' `object_add`, read options. */
const SYNTAX = {
  object: { grammar: 'qemuopts', impliedKey: 'qom-type', help: true },
  device: { grammar: 'qemuopts', impliedKey: 'driver', help: true },
} as const satisfies Record<VpmemOption['kind'], OptionSyntax>;
const OBJECT_ADD = { grammar: 'keyval', impliedKey: 'qom-type', help: true, bareFlags: true } as const satisfies OptionSyntax;

/** What we make of the last of some options; those before it have to be right. The current folder is where files are. */
export async function askVpmem(options: readonly VpmemOption[], monitor = false): Promise<Verdict> {
  const before = options.slice(0, -1);
  const last = options.at(-1);
  const machine = new Machine(
    {
      warning: () => undefined,
      deviceEvent: () => undefined,
      failed: (error) => {
        throw error;
      },
    },
    { socketFolder: process.cwd() },
  );
  const parse = ({ kind, text }: VpmemOption): ParsedOption => parseOption(text, monitor && kind === 'object' ? OBJECT_ADD : SYNTAX[kind]);
  const make = async ({ kind }: VpmemOption, parsed: ParsedOption): Promise<unknown> =>
    kind === 'object' ? await machine.addObject(parsed) : await machine.addDevice(parsed);
  try {
    for (const option of before) await make(option, parse(option));
    if (last === undefined) return 'accepts';
    try {
      const parsed = parse(last);
      if (parsed.help) return 'help';
      await make(last, parsed);
      return 'accepts';
    } catch (error) {
      return { refused: codeOf(error) };
    }
  } finally {
    await machine.stop();
  }
}

/** The code of an error that is the user's. @throws any other */
function codeOf(error: unknown): string {
  if (error instanceof OptionError || error instanceof MachineError || error instanceof BackendError) return error.code;
  throw error;
}
