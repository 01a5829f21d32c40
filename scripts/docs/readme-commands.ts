import { existsSync, readFileSync } from 'node:fs';
import { error, type Problem } from './problem.ts';

/** A command of README.md, as one would type it. */
export interface ReadmeCommand {
  /** Without its comment; a line that goes on at the next one is a single line. */
  readonly text: string;
  /** What stands before it where it is typed at a monitor: `(qemu)`. */
  readonly prompt: string;
  /** `README.md:LINE` */
  readonly at: string;
}

/** How a command is tried: by the test of the README itself, by the test that is named, or not, for a reason. */
type Trial = 'run' | { readonly by: string } | { readonly not: string };

/** The test that takes commands from README.md and runs them. */
export const README_TEST = 'apps/cli/tests/readme.guest.test.ts';

/** Each command of README.md by how it begins. `npm run check` wants a row for each command, and a command for each row. */
export const TRIALS: Readonly<Record<string, Trial>> = {
  'npm install -g': { not: 'the packages are not published yet' },
  'npm start': { not: 'it builds what the tests run; what it shows then is `vpmem demo`, which apps/cli/src/vpmem.process.test.ts runs' },
  'npm run bench': { not: 'it measures for half an hour; bench has tests of its own' },
  './vpmem explore --demo': 'run',
  './vpmem qemu -- -machine': 'run',
  'mkfs.ext4': 'run',
  'mount -o dax=always': 'run',
  'object_add': 'run',
  'device_add': 'run',
  'device_del': 'run',
  'object_del': 'run',
  './vpmemd -name vm1': 'run',
  'qemu-system-x86_64': 'run',
  './vpmemd -keep': 'run',
  './vpmem ps': 'run',
  './vpmem top': 'run',
  './vpmem dashboard': 'run',
  './vpmemd -metrics': { by: 'apps/daemon/src/metrics.process.test.ts' },
  './vpmem qmp vm1': 'run',
  './vpmem monitor vm1': 'run',
  './vpmem upgrade vm1': 'run',
  './vpmemd -takeover vm1': 'run',
  'systemctl reload': { by: 'apps/daemon/src/systemd.process.test.ts' },
  './vpmem qemu --record': 'run',
  'power_cut nv1': 'run',
  './vpmem explore rec/nv1.vpmrec --mount ext4 --check ext4': 'run',
  './vpmem explore rec/nv1.vpmrec --mount ext4 --check ./check.sh': 'run',
  './vpmem recording image': 'run',
  './vpmem compare': 'run',
  './vpmemd -help': 'run',
  './vpmemd -object': 'run',
};

/** What is typed into a shell, whatever it is called; a block of another language has no commands but behind a monitor's prompt. */
const SHELLS = ['sh', 'bash', 'shell', 'console'];
/** In a sentence, only these are commands to type. */
const INLINE = /`((?:\.\/vpmemd? |npm |power_cut )[^`]*)`/g;

/** The commands of a Markdown file: those of shell blocks, at monitors, and within sentences. */
export function readCommands(file: string): ReadmeCommand[] {
  const found: ReadmeCommand[] = [];
  let language: string | undefined;
  let begun = '';
  readFileSync(file, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const at = `${file}:${index + 1}`;
      const [, fence] = /^```(\w*)/.exec(line) ?? [];
      if (fence !== undefined) {
        language = language === undefined ? fence : undefined;
      } else if (language === undefined) {
        for (const [, text = ''] of line.matchAll(INLINE)) if (!text.endsWith('--')) found.push({ text, prompt: '', at });
      } else if (SHELLS.includes(language)) {
        const whole = begun + line.replace(/(^|\s+)#.*$/, '').trim();
        begun = whole.endsWith('\\') ? whole.slice(0, -1) : '';
        if (begun === '' && whole !== '') found.push({ text: whole.replaceAll(/\s+/g, ' '), prompt: '', at });
      } else {
        const [, prompt, text] = /^(\(\w+\)) ([^#]*)/.exec(line) ?? [];
        if (prompt !== undefined && text !== undefined) found.push({ text: text.trim(), prompt, at });
      }
    });
  return found;
}

/** How the row of a command begins, if there is one: the longest that fits. */
export function rowOf({ text }: ReadmeCommand): string | undefined {
  return Object.keys(TRIALS)
    .filter((beginning) => text.startsWith(beginning))
    .sort((a, b) => b.length - a.length)[0];
}

/** Each command of `file` is tried, or there is a reason why not; and each row is about a command. */
export function checkReadmeCommands(file: string): Problem[] {
  const commands = readCommands(file);
  const rows = new Set(commands.map(rowOf));
  return [
    ...commands.filter((each) => rowOf(each) === undefined).map(({ at, text }) => error(at, `no test runs \`${text}\`; give it a row in scripts/docs/readme-commands.ts, and run it in ${README_TEST}`)),
    ...Object.keys(TRIALS).filter((row) => !rows.has(row)).map((row) => error('scripts/docs/readme-commands.ts', `${file} has no command that begins with '${row}'; take the row out`)),
    ...Object.entries(TRIALS).flatMap(([row, trial]) => checkTrial(row, trial)),
  ];
}

function checkTrial(row: string, trial: Trial): Problem[] {
  if (trial !== 'run' && !('by' in trial)) return [];
  const test = trial === 'run' ? README_TEST : trial.by;
  const said = trial === 'run' ? `'${row}'` : (row.split(' ').at(-1) ?? row);
  if (!existsSync(test)) return [error('scripts/docs/readme-commands.ts', `'${row}' is run by ${test}, which does not exist`)];
  return readFileSync(test, 'utf8').includes(said) ? [] : [error(test, `does not run '${row}', which scripts/docs/readme-commands.ts says it does`)];
}
