import { terminalMonitor } from '@vpmem/monitor';
import { anchorPlan, anchorSetup } from './anchored-paths.ts';
import { Background, startInBackground } from './background.ts';
import type { CommandLine, DescribableOption } from './command-line.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { Log } from './log.ts';
import { planOptions } from './monitor-options.ts';
import type { LoadedProgram, Program } from './program.ts';
import { followParent, giveUpPrivileges } from './run-with.ts';
import { Service } from './service.ts';
import { SetupError } from './setup-error.ts';
import type { ParsedSetupOption } from './setup-option.ts';
import { readSetup, type Setup } from './setup.ts';
import { standardOutput } from './standard-output.ts';
import { describeTypes } from './usage.ts';

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
  const setup = readSetup(request.options, program.name);
  const help = typeHelp(setup);
  if (help !== undefined) return describe(help, loaded);
  const chosen = new Log({ program: program.name, name: setup.name, ...setup.messages });
  choose(chosen);
  return run(loaded, setup, chosen);
}

async function run(program: LoadedProgram, setup: Setup, log: Log): Promise<number> {
  const complaint = program.complaint?.(setup);
  if (complaint !== undefined) throw new SetupError(complaint);
  const plan = planOptions(setup.monitors, setup.daemonize ? undefined : program.defaultMonitor);
  const terminal = terminalMonitor(plan);
  giveUpPrivileges(setup.runWith);
  if (!setup.daemonize) {
    followParent(setup.runWith);
    return new Service({ program, setup, plan, log }).run();
  }
  if (setup.runWith['exit-with-parent']) throw new SetupError('-run-with exit-with-parent=on: cannot be used with -daemonize, whose parent ends at once; leave out one of them');
  if (terminal !== undefined) throw new SetupError(`${terminal.option}: cannot be used with -daemonize, which leaves the terminal; use unix:PATH,server=on,wait=off`);
  const background = Background.ofThisProcess();
  if (background === undefined) return startInBackground();
  return new Service({ program, setup: anchorSetup(setup), plan: anchorPlan(plan), log, background }).run();
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
