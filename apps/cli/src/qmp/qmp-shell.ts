import { createInterface } from 'node:readline';
import { QmpConnectionError, type QmpClient, type QmpEvent } from '@vpmem/qmp/client';
import { QmpCompletion } from './qmp-completion.ts';
import { explain } from './qmp-command.ts';

/** A human monitor whose lines are edited here and run there (`human-monitor-command`), with the events that come meanwhile; the exit status. */
export async function runQmpShell(client: QmpClient): Promise<number> {
  const { stdin, stdout } = process;
  const { qemu, package: name } = client.version;
  const completion = new QmpCompletion(client);
  const lines = createInterface({
    input: stdin,
    output: stdout,
    terminal: stdin.isTTY && stdout.isTTY,
    prompt: '(qmp) ',
    completer: (line: string, done: (error: null, found: [string[], string]) => void) => {
      void completion.complete(line).then((found) => done(null, found));
    },
  });
  const interactive = stdin.isTTY && stdout.isTTY;
  if (interactive) stdout.write(`QMP of ${name === '' ? 'QEMU' : name} ${qemu.major}.${qemu.minor}.${qemu.micro}; type 'help' for commands, Ctrl-D to leave\n`);
  client.onEvent((event) => {
    if (!interactive) return;
    stdout.write(`\r\x1b[K${describe(event)}\n`);
    lines.prompt(true);
  });
  let over = false;
  void client.ended.then(() => {
    over = true;
    lines.close();
  });
  lines.on('SIGINT', () => lines.close());
  if (interactive) lines.prompt();
  try {
    for await (const line of lines) {
      if (line.trim() !== '') stdout.write((await client.execute('human-monitor-command', { 'command-line': line })).replaceAll('\r\n', '\n'));
      if (isOver(over)) break;
      if (interactive) lines.prompt();
    }
  } catch (error) {
    // After 'quit' the answer may come too late.
    if (!(error instanceof QmpConnectionError && error.code === 'ended')) {
      process.stderr.write(`vpmem: ${explain(error)}\n`);
      return 1;
    }
  } finally {
    lines.close();
    client.close();
  }
  if (interactive) stdout.write(isOver(over) ? 'The connection has ended.\n' : '\n');
  return 0;
}

/** The compiler does not see that a listener changes a variable. */
function isOver(flag: boolean): boolean {
  return flag;
}

function describe({ event, timestamp, data }: QmpEvent): string {
  const time = new Date(timestamp.seconds * 1000).toTimeString().slice(0, 8);
  return `[${time}] ${event}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`;
}
