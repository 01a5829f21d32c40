import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { Keeper, type KeeperEnd, type KeptCommand } from '@vpmem/descriptor-store/keeper';
import { sendDatagram, signalAtParentsEnd } from '@vpmem/native';
import { nameThread } from '@vpmem/native/thread-name';
import { Background, startInBackground } from '../background.ts';
import { readCommandLine, type GivenOption } from '../options/command-line.ts';
import { keptWords } from '../options/kept-words.ts';
import { BURST_WITHIN, readKeptSettings } from '../options/kept-settings.ts';
import { Log } from '../log.ts';
import type { MessageSettings } from '../options/message-settings.ts';
import { watchdogOfChild } from '../notify.ts';
import type { ProgramName } from '../options/option-table.ts';
import { PidFile } from '../pid-file.ts';
import { saysNothingOfItsOwn } from '../options/own-options.ts';
import { SetupError } from '../options/setup-error.ts';
import { PARENT_ENDED } from '../stop-signal.ts';

/** The most descriptors: four devices have about a hundred. Names of that many still fit into an environment. */
const LIMIT = 8192;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

/** What only its own first process is to have of an environment; the keeper says what its process gets instead. sd_notify(3), sd_listen_fds(3) */
const NOT_PASSED = ['NOTIFY_SOCKET', 'FDSTORE', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID', 'LISTEN_PIDFDID', 'VPMEM_KEEPER'];

/**
 * `-keep`: runs the same program without it, as a process that is started again when it dies, and holds its descriptors. Returns its exit
 * status, or 70 when it dies again and again.
 *
 * @throws SetupError
 */
export async function keepService(program: ProgramName, options: readonly GivenOption[], words: readonly string[]): Promise<number> {
  const settings = readKeptSettings(options);
  if (settings.terminalMonitor !== undefined) {
    throw new SetupError(`${settings.terminalMonitor}: cannot be used with -keep, which may start another process that has no terminal; use unix:PATH,server=on,wait=off`);
  }
  if (settings.takeover !== undefined) {
    throw new SetupError(`-takeover ${settings.takeover}: cannot be used with -keep, which would do it again at each start; leave -keep out: who keeps the old one keeps the new one too`);
  }
  const background = settings.daemonize ? Background.ofThisProcess() : undefined;
  if (settings.daemonize && background === undefined) return startInBackground();
  nameThread('vpmemd keeper');
  let log = new Log({ program, ...settings.messages });
  const laterLog = settings.logFile === undefined ? log : openLog(program, settings.messages, settings.logFile);
  const pidFile = settings.pidFile === undefined ? undefined : new PidFile(settings.pidFile);
  const nowhere = settings.daemonize ? openSync('/dev/null', 'r+') : undefined;
  try {
    const outer = process.env.NOTIFY_SOCKET;
    let command: KeptCommand = { file: process.execPath, args: [...process.execArgv, ...process.argv.slice(1, process.argv.length - words.length), ...keptWords(words)], folder: process.cwd() };
    const keeper = new Keeper({
      command,
      environment: environmentOf(process.env),
      limit: LIMIT,
      loop: { deaths: settings.burst, within: BURST_WITHIN },
      // It leaves terminal and folder as a process in the background does, though nobody waits for it but us.
      ...(nowhere !== undefined && { more: (first: number) => ({ fds: [nowhere], environment: { VPMEM_READY_FD: String(first) } }) }),
      commandOf: (pid) => (command = commandOf(pid, program, command)),
      passOn: (text) => passOn(outer, text, (problem) => log.warning(problem)),
      ready: () => {
        background?.detach();
        log = laterLog;
      },
      tell: (level, text) => log.at(level, text),
    });
    for (const signal of SIGNALS) process.on(signal, () => keeper.stop(signal));
    if (settings.followsParent) {
      process.on(PARENT_ENDED, () => keeper.stop('SIGTERM'));
      if (!signalAtParentsEnd(PARENT_ENDED)) throw new SetupError('-run-with exit-with-parent=on: who started it has ended already');
    }
    return endAs(await keeper.run(), pidFile);
  } finally {
    pidFile?.remove();
    if (nowhere !== undefined) closeSync(nowhere);
  }
}

function openLog(program: ProgramName, messages: MessageSettings, file: string): Log {
  try {
    return new Log({ program, ...messages, file });
  } catch (error) {
    throw new SetupError(`-D ${file}: cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

function environmentOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // A watchdog of ours is fed by what our process says.
  const forIt = watchdogOfChild(env);
  for (const name of NOT_PASSED) Reflect.deleteProperty(forIt, name);
  return forIt;
}

/** A process that took over goes on as what it is: perhaps a newer version, with other options. One that was given none has those of the one `before`. */
function commandOf(pid: number, program: ProgramName, before: KeptCommand): KeptCommand {
  const [, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  // Of a node that was replaced the path is that of the new one.
  const file = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  const [start, words] = divide(args);
  if (!isOwnOnly(words, program)) return { file, args: [...start, ...keptWords(words)], folder: readlinkSync(`/proc/${pid}/cwd`) };
  return { file, args: [...start, ...divide(before.args)[1]], folder: before.folder };
}

/** What node is given and the program's path, and the program's own words. */
function divide(args: readonly string[]): [start: string[], words: string[]] {
  const script = args.findIndex((word) => !word.startsWith('-')) + 1;
  return [args.slice(0, script), args.slice(script)];
}

/** A command line that cannot be read says something of its own: its process will tell. */
function isOwnOnly(words: readonly string[], program: ProgramName): boolean {
  try {
    const line = readCommandLine(words, program);
    return line.action === 'run' && saysNothingOfItsOwn(line.options);
  } catch (error) {
    if (error instanceof SetupError) return false;
    throw error;
  }
}

let told = false;

/** Whoever supervises the keeper, if anybody does, and cannot be told does not keep it from its work; that is said once. */
function passOn(address: string | undefined, text: string, warn: (problem: string) => void): void {
  if (address === undefined || address === '') return;
  try {
    sendDatagram(address, Buffer.from(text));
  } catch (error) {
    if (!told) warn(`the supervisor at $NOTIFY_SOCKET was not told how things are: ${(error as Error).message}`);
    told = true;
  }
}

/** A process that ended by a signal that was passed on is told of by the same end. */
function endAs({ status, signal }: KeeperEnd, pidFile: PidFile | undefined): number {
  if (signal === undefined) return status ?? 0;
  pidFile?.remove();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return 70;
}
