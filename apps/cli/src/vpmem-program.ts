import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CompareWords } from './compare-options.ts';
import type { DashboardWords } from './dashboard-command.ts';
import type { ExploreWords } from './explore/explore-options.ts';
import type { FromLogWritesWords, ToLogWritesWords } from './log-writes-command.ts';
import type { TopWords } from './top-command.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** The command line of `vpmem`; a command sets the exit status of the process. Its own modules are loaded when it runs: a version or a help needs none of them. */
export const program = new Command('vpmem')
  .description('Persistent memory for virtual machines, from a program of its own.')
  .version(version)
  .showHelpAfterError('(vpmem --help lists the commands)')
  .enablePositionalOptions();

program
  .command('qemu')
  .description('run a QEMU command line with its virtio-pmem devices served by this program')
  .argument('[args...]', "QEMU's own arguments, after --")
  .option('--qemu <path>', 'the QEMU to run, 10.1 or newer', 'qemu-system-x86_64')
  .option('--print', 'show the command instead of running it')
  .option('--monitor <dev>', 'a monitor (HMP) of our own, for hot plug too, as of QEMU: unix:PATH,server=on,wait=off', repeated, [])
  .option('--qmp <dev>', 'the same, speaking QMP', repeated, [])
  .option('--root-ports <n>', 'on a q35: make N[,pref64-reserve=SIZE] root ports to hot plug behind')
  .option('--unplug <choice>', 'on, off, auto: plug devices in so that they can be unplugged (auto: with QEMU 11.1 or newer)')
  .option('--metrics <address>', 'figures for Prometheus at http://ADDRESS/metrics: PORT (on 127.0.0.1), HOST:PORT or unix:PATH')
  .option('--record <folder>', 'record what the guest of each virtio-pmem device makes durable, flush by flush, in FOLDER/ID.vpmrec')
  .action(async (args: string[], options: { qemu: string; print?: boolean; monitor: string[]; qmp: string[]; rootPorts?: string; unplug?: string; record?: string; metrics?: string }) => {
    const { qemu, print = false, monitor, qmp, rootPorts, unplug, record, metrics } = options;
    const { runWithQemu } = await import('./qemu/qemu-command.ts');
    process.exitCode = await runWithQemu(args, { qemu, print, monitor, qmp, rootPorts, unplug, record, metrics, version });
  });

program
  .command('run')
  .description("run a machine with a guest that is part of this program, by QEMU's options: vpmem run -help")
  .argument('[args...]', "QEMU's own options")
  // They are none of commander's: -object is one word here.
  .helpOption(false)
  .allowUnknownOption()
  .passThroughOptions()
  .action(async (args: string[]) => {
    const { runMachine } = await import('./run-command.ts');
    process.exitCode = await runMachine(args, version);
  });

program
  .command('demo')
  .description('show what a virtio-pmem device does: in this process, behind a socket, and after kill -9')
  .action(async () => {
    const { runDemo } = await import('./demo.ts');
    process.exitCode = await runDemo();
  });

program
  .command('compare')
  .description('show what a power cut leaves of the same work on virtio-pmem and on nvdimm')
  .option('--qemu', 'by Linux guests in an unmodified QEMU, fetched as Debian packages, on ext4 with DAX')
  .option('--workload <name...>', 'only these: stores, stores-fsync, log, log-fsync, torn, torn-checksum; with --qemu also page-cache')
  .option('--seed <n>', 'decides what survives by chance; the same seed, the same bytes (default: 7)')
  .option('--survivors <which>', 'of the bytes that were not flushed: none, random')
  .option('--granularity <unit>', 'what survives as one: page, sector, line, word')
  .option('--rounds <n>', 'do it that often, each round with the next seed (default: 1)')
  .option('--size <size>', 'of each file (default: 4M, with --qemu 64M)')
  .option('--keep <dir>', 'leave there what is on each disk after the cut')
  .option('--json', 'everything, for programs')
  .action(async (words: CompareWords) => {
    const { runCompare } = await import('./compare-command.ts');
    process.exitCode = await runCompare(words);
  });

program
  .command('top')
  .description('watch the devices of all programs that run: flush rate, latency, bytes at risk; as lines where there is no terminal')
  .argument('[names...]', 'only programs of these names or process ids; default: all')
  .option('--interval <seconds>', 'from one look to the next (default: 1)')
  .option('-n, --rounds <n>', 'end after so many rounds')
  .option('--once', 'one round, as lines')
  .option('--plain', 'lines, even on a terminal')
  .action(async (names: string[], words: TopWords) => {
    const { runTopCommand } = await import('./top-command.ts');
    process.exitCode = await runTopCommand(names, words);
  });

program
  .command('ps')
  .description('list programs of vpmem that run, their devices and clients, and how often they are flushed')
  .option('--json', 'everything, for programs')
  .action(async (options: { json?: boolean }) => {
    const { runPs } = await import('./ps-command.ts');
    process.exitCode = await runPs({ json: options.json ?? false });
  });

program
  .command('dashboard')
  .description('serve a page about programs of vpmem that run, on 127.0.0.1: rates, latencies, bytes at risk, events, reports')
  .argument('[names...]', 'only these: names or process ids that vpmem ps lists')
  .option('--port <n>', 'listen there; 0 is any that is free (default: 0)')
  .option('--control', 'let the page cut the power, plan faults and set limits; it asks before each')
  .option('--reports <folder>', 'show the reports of vpmem explore in FOLDER too, as HTML or JSON')
  .action(async (names: string[], words: DashboardWords) => {
    const { runDashboard } = await import('./dashboard-command.ts');
    process.exitCode = await runDashboard(names, words);
  });

program
  .command('upgrade')
  .description('let a vpmemd of this installation take the place of one that runs; its VMs go on')
  .argument('<name>', 'a name or a process id that vpmem ps lists')
  .option('--with <path>', 'the vpmemd that is to go on (default: the one that vpmem was installed with)')
  .action(async (name: string, options: { with?: string }) => {
    const { runUpgrade } = await import('./upgrade-command.ts');
    process.exitCode = await runUpgrade({ name, with: options.with });
  });

const SOCKET = 'a path, unix:PATH, tcp:HOST:PORT, or a name or process id that vpmem ps lists';

program
  .command('monitor')
  .description('a human monitor on this terminal, at an HMP or QMP socket')
  .argument('<socket>', SOCKET)
  .action(async (socket: string) => {
    const { runMonitor } = await import('./monitor-command.ts');
    process.exitCode = await runMonitor(socket);
  });

program
  .command('qmp')
  .description('run one QMP command and print its answer as JSON')
  .argument('<socket>', SOCKET)
  .argument('<command>', 'such as query-pmem')
  .argument('[arguments...]', 'key=value, or all of them as one JSON object')
  .action(async (socket: string, command: string, words: string[]) => {
    const { runQmp } = await import('./qmp/qmp-command.ts');
    process.exitCode = await runQmp(socket, command, words);
  });

const recording = program.command('recording').description('read what was recorded of a disk: every flush, and every state that a power cut could have left');

recording
  .command('info')
  .description('say what a recording is of, and how it ends')
  .argument('<file>')
  .option('--json', 'everything, for programs')
  .action(async (file: string, options: { json?: boolean }) => {
    const { runRecordingInfo } = await import('./recording-command.ts');
    process.exitCode = runRecordingInfo(file, options.json ?? false);
  });

recording
  .command('list')
  .description('list its flushes and cuts, the pages that were volatile before each, and marks')
  .argument('<file>')
  .option('--json', 'everything, for programs')
  .action(async (file: string, options: { json?: boolean }) => {
    const { runRecordingList } = await import('./recording-command.ts');
    process.exitCode = runRecordingList(file, options.json ?? false);
  });

recording
  .command('verify')
  .description('look at every byte of it')
  .argument('<file>')
  .action(async (file: string) => {
    const { runRecordingVerify } = await import('./recording-command.ts');
    process.exitCode = runRecordingVerify(file);
  });

recording
  .command('image')
  .description('make the image of a state: of the disk as it could have been left')
  .argument('<file>')
  .requiredOption('--state <state>', 'such as 41 (all of flush 41), 41:none, 41:page:-3 (all of it but its third page)')
  .requiredOption('-o, --output <image>', 'a file that is not there yet')
  .action(async (file: string, { state, output }: { state: string; output: string }) => {
    const { runRecordingImage } = await import('./recording-command.ts');
    process.exitCode = runRecordingImage(file, state, output);
  });

recording
  .command('to-log-writes')
  .description("write a log of dm-log-writes, which xfstests' replay-log reads")
  .argument('<file>', 'a recording')
  .requiredOption('-o, --output <log>', 'the new log')
  .option('--base', 'put what was durable at the start first: the log then replays onto zeroes')
  .option('--sector-size <bytes>', 'of the log: 512, 4096 (default: 512)')
  .action(async (file: string, words: ToLogWritesWords) => {
    const { runToLogWrites } = await import('./log-writes-command.ts');
    process.exitCode = runToLogWrites(file, words);
  });

recording
  .command('from-log-writes')
  .description('make a recording of what dm-log-writes logged')
  .argument('<log>', 'a file, or the device that was logged on')
  .requiredOption('--base <image>', 'what the logged device held before')
  .requiredOption('-o, --output <file>', 'the new recording')
  .action(async (log: string, words: FromLogWritesWords) => {
    const { runFromLogWrites } = await import('./log-writes-command.ts');
    process.exitCode = runFromLogWrites(log, words);
  });

program
  .command('explore')
  .description('try the states that a power cut can leave, each with a program that checks it, and say which bytes matter')
  .usage('FILE --check PROGRAM [options] | --reproduce TEXT --check PROGRAM | --merge REPORT... | --demo')
  .argument('[files...]', 'a recording; with --merge, reports in JSON')
  .option('--check <program>', 'exits with 0 if what was promised is there, with 1 if not; $1 is the mount point or the image. Built in: ext4, xfs, sqlite:PATH[:QUERY], acked:PATH')
  .option('--mount <fs>', 'mount the disk for it: ext4, xfs, or what the kernel knows')
  .option('--mount-options <options>', 'as mount(8) takes them after -o')
  .option('--where <place>', 'image: nothing is mounted. host: mounted here, by root. guest: in a Linux guest, fetched as Debian packages (default: image without --mount, host for root, otherwise guest)')
  .option('--worker', 'start the program once, and ask it by lines of JSON')
  .option('--writable', 'with --where image: the program may change the image')
  .option('--timeout <time>', 'for one check: 60s, 2m (default: 60s)')
  .option('--package <name>', 'with --where guest: a Debian package whose programs the check needs; again for more', repeated)
  .option('--file <path>', 'with --where guest: a file it needs, PATH or PATH=SOURCE; again for more', repeated)
  .option('--unit <units>', 'what is lost as one: page, sector, line, word, with commas between (default: page,sector)')
  .option('--from <where>', 'begin there: at a mark, or at a flush by its number')
  .option('--budget <time>', 'end after that time: 60s, 10m, 2h')
  .option('--states <n>', 'checks of each flush at most (default: 256)')
  .option('--jobs <n>', 'check so many at once (default: 1)')
  .option('--seed <n>', 'decides what is tried by chance; the same seed, the same states (default: 1)')
  .option('--shard <i/n>', 'only every n-th flush, from the i-th on; --merge makes one report of all')
  .option('--second-cut <folder>', 'cut the power again while recovery runs, with --where host; recordings of what it writes go into that folder')
  .option('--second-cut-states <n>', 'with --second-cut: of so many states at most (default: 16)')
  .option('--equal-files', 'with --where host: run the program once for files that are equal; right if it looks at nothing else')
  .option('--json <file>', 'write the report there, for programs and for --merge')
  .option('--junit <file>', 'write it there for what shows tests')
  .option('--html <file>', 'write it there as one page, to look at and to hand on')
  .option('--reproduce <text>', "check one state again: 'FILE STATE'")
  .option('--merge', 'make one report of those of all shards')
  .option('--allow-missing', 'with --merge: also if a shard is missing')
  .option('--demo', 'a small log with a mistake in it, recorded and explored; needs nothing')
  .action(async (files: string[], words: ExploreWords) => {
    const { runExploreCommand } = await import('./explore/explore-forms.ts');
    process.exitCode = await runExploreCommand(files, words);
  });

program
  .command('completion')
  .description('print what bash, zsh or fish has to read to complete vpmem and vpmemd')
  .argument('<shell>', 'bash, zsh, fish')
  .action(async (shell: string) => {
    const { printCompletion } = await import('./completion/completion-command.ts');
    process.exitCode = printCompletion(shell);
  });

// Asked by what `completion` prints, and when the package is made; no help has them.
program
  .command('complete', { hidden: true })
  .argument('<shell>')
  .argument('[words...]')
  .action(async (shell: string, words: string[]) => {
    const { printCandidates } = await import('./completion/completion-command.ts');
    printCandidates(shell, words, program);
  });

program
  .command('write-manual', { hidden: true })
  .argument('<folder>')
  .argument('<date>')
  .action(async (folder: string, date: string) => {
    const { writeManual } = await import('./completion/manual.ts');
    writeManual(folder, program, { version, date });
  });

function repeated(value: string, before: string[] = []): string[] {
  return [...before, value];
}
