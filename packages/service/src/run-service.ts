import { terminalMonitor } from '@vpmem/monitor';
import { anchorPlan, anchorSetup } from './anchored-paths.ts';
import { Background, startInBackground } from './background.ts';
import { readCommandLine, type DescribableOption } from './command-line.ts';
import { describeInternalError, EXIT_STATUS } from './exit-status.ts';
import { Log } from './log.ts';
import { planOptions } from './monitor-options.ts';
import type { Program } from './program.ts';
import { followParent, giveUpPrivileges } from './run-with.ts';
import { Service } from './service.ts';
import { SetupError } from './setup-error.ts';
import type { ParsedSetupOption } from './setup-option.ts';
import { readSetup, type Setup } from './setup.ts';
import { standardOutput } from './standard-output.ts';
import { describeOptions, describeTypes } from './usage.ts';

/**
 * Runs a program around a machine, from the words of its command line to its exit status: until a signal or a monitor's `quit`
 * ends it. An internal error ends the process.
 */
export async function runService(program: Program, words: readonly string[]): Promise<number> {
  let log = new Log({ program: program.name });
  try {
    const request = readCommandLine(words, program.name);
    if (request.action === 'version') return say(`${program.name} ${program.version}\n`);
    if (request.action === 'help') return say(`${program.help.before}\n${describeOptions(program.name)}\n${program.help.after}`);
    if (request.action === 'describe') return say(describeTypes(request.option, request.type, program.types));
    const setup = readSetup(request.options, program.name);
    const help = typeHelp(setup);
    if (help !== undefined) return say(describeTypes(help.option, help.type, program.types));
    log = new Log({ program: program.name, name: setup.name, ...setup.messages });
    return await run(program, setup, log);
  } catch (error) {
    if (error instanceof SetupError) {
      log.fatal(error.message);
      return EXIT_STATUS.refused;
    }
    log.fatal(describeInternalError(error));
    // Threads may be running that nobody would end now.
    process.exit(EXIT_STATUS.internal);
  }
}

async function run(program: Program, setup: Setup, log: Log): Promise<number> {
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

function say(text: string): number {
  standardOutput.write(text);
  return EXIT_STATUS.ok;
}
