import type { HmpCommand } from './hmp-command.ts';
import { hmpCommands } from './hmp-commands.ts';
import { infoTopics } from './info-topics.ts';

const INTRODUCTION = `# The human monitor

Written from the table of commands in \`packages/monitor/src/hmp\`; \`vitest -u\` in \`packages/monitor\` writes it anew.

Every command of the monitor for people (HMP), as \`vpmemd\`, \`vpmem run\` and \`vpmem qemu\` have it. Programs use
[QMP](qmp-reference.md).

\`-monitor DEV\` makes one, or \`-chardev …,id=ID -mon chardev=ID\`. \`DEV\` is one of

| DEV | |
| --- | --- |
| \`stdio\` | this terminal |
| \`unix:PATH,server=on,wait=off\` | a socket that only its owner can reach; \`socat -,raw,echo=0 unix:PATH\` is a client |
| \`tcp:[HOST]:PORT,server=on,wait=off\` | without a host only this machine can reach it |
| \`telnet:[HOST]:PORT,server=on,wait=off\` | the same for telnet clients |
| \`chardev:ID\`, \`null\`, \`none\` | a character device made by \`-chardev\`; nobody; no monitor |

With \`server=on\` alone, or \`wait=on\`, the program starts when the first client is there. Without \`server=on\` it
connects out, once. A monitor serves one client at a time (or N, with \`clients=N\`); the next one is served when that one
has left. If a client does not read what it is sent, the monitor does not read from it either, and nothing else waits for it.

A line has up to 4095 characters. It is edited as in a shell, remembered (64 lines, arrow up), and completed with Tab:
commands, types, ids, names of properties and their values. Words may stand in double quotes, with the escapes
\`\\n \\r \\\\ \\' \\"\`. What fails begins with \`Error: \`. Layouts and these texts are QEMU's, for programs that read
them. \`quit\` ends the program, Ctrl-D the connection.

At a monitor of \`vpmem qemu\`, all commands that are not here go to QEMU's own monitor.
`;

/** The reference page of the human monitor, in Markdown. */
export function hmpReference(): string {
  return [
    INTRODUCTION,
    '## Commands\n',
    ...hmpCommands.map((command) => section(command, '')),
    '## What `info` tells\n',
    ...infoTopics.map((topic) => section(topic, 'info ')),
  ].join('\n');
}

function section({ names, params, help, manual, example, ours }: HmpCommand, prefix: string): string {
  const [name, ...others] = names;
  const alias = others.length === 0 ? '' : ` Also \`${prefix}${others.join('`, `')}\`.`;
  return [
    `### \`${[prefix + name, params].filter((part) => part !== '').join(' ')}\`\n`,
    `${capital(help)}.${alias}${ours ? ' QEMU has no such command.' : ''}\n`,
    ...(manual === '' ? [] : [`${manual}\n`]),
    ...(example.length === 0 ? [] : [`\`\`\`\n${example.map((line) => `(vpmem) ${line}`).join('\n')}\n\`\`\`\n`]),
  ].join('\n');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
