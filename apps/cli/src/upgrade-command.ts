import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { VPMEMD } from '@vpmem/daemon/process';
import { isCalled, runningPrograms, type RunningProgram } from '@vpmem/running-programs';
import { CliError } from './cli-error.ts';

/** What `vpmem upgrade` was told. */
export interface UpgradeWords {
  /** A name or a process id that `vpmem ps` lists. */
  readonly name: string;
  /** The vpmemd that is to go on. */
  readonly with: string | undefined;
}

/** `vpmem upgrade`: a vpmemd of this installation takes the place of one that runs; the exit status. */
export async function runUpgrade(words: UpgradeWords): Promise<number> {
  try {
    return await upgrade(words);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`vpmem: ${error.message}\n`);
    return 1;
  }
}

async function upgrade({ name, with: given }: UpgradeWords): Promise<number> {
  const running = find(name);
  const unit = unitOf(running.pid);
  if (unit !== undefined) throw new CliError(`vpmem upgrade ${name}: process ${running.pid} is of the systemd unit ${unit}, and another would not be; run: systemctl reload ${unit}`);
  const [program, ...before] = given === undefined ? [process.execPath, VPMEMD] : [given];
  const child = spawn(program, [...before, '-takeover', String(running.pid), '-daemonize'], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new CliError(`--with ${program}: cannot be run: ${(error as Error).message}`, { cause: error });
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? 1;
}

/** @throws CliError */
function find(name: string): RunningProgram {
  const all = runningPrograms().filter(({ program }) => program === 'vpmemd');
  const found = all.filter((each) => isCalled(each, name));
  const [first, second] = found;
  if (first === undefined) {
    const known = all.map((each) => each.name ?? String(each.pid)).join(', ');
    throw new CliError(`vpmem upgrade ${name}: no vpmemd of that name or process id runs${known === '' ? '' : `; there is ${known}`}`);
  }
  if (second !== undefined) throw new CliError(`vpmem upgrade ${name}: there are ${found.length} of that name: processes ${found.map(({ pid }) => pid).join(' and ')}; say which`);
  return first;
}

/** The unit of systemd that a process belongs to, if it is a service of one. */
function unitOf(pid: number): string | undefined {
  try {
    const [, unit] = /\/([^/\n]+\.service)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? [];
    return unit?.startsWith('user@') === true ? undefined : unit;
  } catch {
    // It has ended; whoever asks it finds out.
    return undefined;
  }
}
