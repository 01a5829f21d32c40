import { terminalMonitor } from '@vpmem/monitor';
import type { RunningProgram } from '@vpmem/running-programs';
import { anchorPlan, anchorSetup } from './options/anchored-paths.ts';
import { Background, startInBackground } from './background.ts';
import { readCommandLine, type CommandLine, type DescribableOption, type GivenOption } from './options/command-line.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { Log } from './log.ts';
import { planOptions } from './options/monitor-options.ts';
import { saysNothingOfItsOwn } from './options/own-options.ts';
import type { LoadedProgram, Program } from './program.ts';
import { followParent, giveUpPrivileges } from './options/run-with.ts';
import { Service } from './service.ts';
import { SetupError } from './options/setup-error.ts';
import type { ParsedSetupOption } from './options/setup-option.ts';
import { readSetup, type Setup } from './options/setup.ts';
import { standardOutput } from './standard-output.ts';
import { programToTake } from './upgrade/take-over.ts';
import { describeTypes } from './options/usage.ts';

/** What needs the program's own types, or its machine. */
export type SubstantialRequest = Extract<CommandLine, { readonly action: 'run' | 'describe' }>;

/**
 * Does what a command line asks for; returns the exit status. `choose` is told of the log to
 * use, once the command line has said what messages look like.
 *
 * @throws SetupError
 */
export async function carryOut(program: Program, request: SubstantialRequest, choose: (log: Log) => void): Promise<number> {
  const loaded: LoadedProgram = { ...program, ...(await program.body()) };
  if (request.action === 'describe') return describe(request, loaded);
  const line = effectiveLine(request, program.name);
  const kept = process.env.VPMEM_KEEPER !== undefined;
  // What another's command line said is no mistake of this one.
  if (line.takes !== undefined) readSetup(request.options, program.name, { kept });
  const setup = readSetup(line.options, program.name, { kept: kept || line.takes !== undefined });
  const help = typeHelp(setup);
  if (help !== undefined) return describe(help, loaded);
  const chosen = new Log({ program: program.name, name: setup.name, ...setup.messages });
  choose(chosen);
  return run(loaded, setup, chosen, line);
}

/** What is to be carried out: of a command line that only takes the place of another program, what that one's said. */
interface EffectiveLine {
  readonly options: readonly GivenOption[];
  /** The same as it was typed, and the folder in which that was. */
  readonly words: readonly string[];
  readonly folder: string;
  readonly takes: RunningProgram & { readonly takeover: string } | undefined;
}

/** @throws SetupError */
function effectiveLine({ options, words }: Extract<SubstantialRequest, { readonly action: 'run' }>, program: Program['name']): EffectiveLine {
  const address = options.find(({ name }) => name === 'takeover')?.text;
  const here = { options, words, folder: process.cwd() };
  if (address === undefined) return { ...here, takes: undefined };
  const takes = programToTake(address, program);
  const { words: its, folder } = takes;
  if (!saysNothingOfItsOwn(options) || its === undefined || folder === undefined) return { ...here, takes };
  const theirs = readCommandLine(its, program);
  if (theirs.action !== 'run') throw new SetupError(`-takeover ${address}: process ${takes.pid} was started to ${theirs.action}`);
  enter(folder, address);
  const given = new Set(options.map(({ name }) => name));
  return { options: [...theirs.options.filter(({ name }) => !given.has(name)), ...options], words: its, folder, takes };
}

/** Paths of a command line mean what they meant where it was typed. @throws SetupError */
function enter(folder: string, address: string): void {
  try {
    process.chdir(folder);
  } catch (error) {
    throw new SetupError(`-takeover ${address}: its folder '${folder}' cannot be entered: ${(error as Error).message}; give its options here too`, { cause: error });
  }
}

async function run(program: LoadedProgram, setup: Setup, log: Log, { words, folder, takes }: EffectiveLine): Promise<number> {
  const complaint = program.complaint?.(setup);
  if (complaint !== undefined) throw new SetupError(complaint);
  const plan = planOptions(setup.monitors, setup.daemonize ? undefined : program.defaultMonitor);
  const terminal = terminalMonitor(plan);
  giveUpPrivileges(setup.runWith);
  if (!setup.daemonize) {
    followParent(setup.runWith);
    return new Service({ program, setup, plan, log, words, folder, takes }).run();
  }
  if (setup.runWith['exit-with-parent']) throw new SetupError('-run-with exit-with-parent=on: cannot be used with -daemonize, whose parent ends at once; leave out one of them');
  if (terminal !== undefined) throw new SetupError(`${terminal.option}: cannot be used with -daemonize, which leaves the terminal; use unix:PATH,server=on,wait=off`);
  const background = Background.ofThisProcess();
  if (background === undefined) return startInBackground();
  return new Service({ program, setup: anchorSetup(setup), plan: anchorPlan(plan), log, background, words, folder, takes }).run();
}

/** A type whose properties were asked for: `-device TYPE,help`. */
function typeHelp({ objects, devices }: Setup): { option: DescribableOption; type: string | undefined } | undefined {
  const asks = (options: readonly ParsedSetupOption[]): ParsedSetupOption | undefined => options.find(({ parsed }) => parsed.help);
  const [object, device] = [asks(objects), asks(devices)];
  if (object !== undefined) return { option: 'object', type: asText(object.parsed.properties['qom-type']) };
  return device === undefined ? undefined : { option: 'device', type: asText(device.parsed.properties.driver) };
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function describe({ option, type }: { readonly option: DescribableOption; readonly type?: string | undefined }, { types }: LoadedProgram): number {
  standardOutput.write(describeTypes(option, type, types));
  return EXIT_STATUS.ok;
}
