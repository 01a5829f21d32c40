import { readCommandLine } from './options/command-line.ts';
import { describeInternalError, EXIT_STATUS } from './exit-status.ts';
import { Log } from './log.ts';
import { describeOptions } from './options/option-list.ts';
import type { Program } from './program.ts';
import { SetupError } from './options/setup-error.ts';
import { standardOutput } from './standard-output.ts';

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
    if (request.action === 'run' && request.options.some(({ name }) => name === 'keep')) {
      const { keepService } = await import('./upgrade/keep-service.ts');
      return await keepService(program.name, request.options, words);
    }
    // Neither machines nor monitors are loaded for what has been answered by now.
    const { carryOut } = await import('./carry-out.ts');
    return await carryOut(program, request, (chosen) => (log = chosen));
  } catch (error) {
    if (error instanceof SetupError) {
      log.fatal(error.message);
      return error.status;
    }
    log.fatal(describeInternalError(error));
    // Threads may be running that nobody would end now.
    process.exit(EXIT_STATUS.internal);
  }
}

function say(text: string): number {
  standardOutput.write(text);
  return EXIT_STATUS.ok;
}
