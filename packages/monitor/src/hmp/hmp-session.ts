import type { Connection } from '@vpmem/chardev';
import type { HmpShell } from './hmp-shell.ts';
import { LineEditor } from './line-editor.ts';

/** What a client sees first, and again and again. */
export interface Greeting {
  readonly program: string;
  readonly version: string;
  /** The name in the prompt. */
  readonly prompt?: string;
}

/** What a monitor keeps while clients come and go: its history, the newest line first. */
export type History = string[];

/**
 * Serves a client of the human monitor until it has gone. One command runs at a time, and while a client does not read what
 * one has printed, nothing more is taken from it.
 *
 * @param onCommand told of each command that begins, with what settles when its answer has left
 * @param onEditor told of the line that is edited, before it is
 */
export async function serveHmp(
  connection: Connection,
  shell: Pick<HmpShell, 'run' | 'complete' | 'over'>,
  { program, version, prompt = PROMPT }: Greeting,
  history: History,
  onCommand: (done: Promise<void>) => void,
  onEditor: (editor: LineEditor) => void = () => undefined,
): Promise<void> {
  const editor = new LineEditor(connection, {
    prompt: `(${prompt}) `,
    history,
    complete: (line) => shell.complete(line),
    // The terminal hands over its keys, so nobody else makes a signal of this one.
    interrupt: () => void process.kill(process.pid, 'SIGINT'),
  });
  onEditor(editor);
  try {
    await editor.write(`${program} ${version} monitor - type 'help' for more information\n`);
    editor.prompt();
    for await (const line of editor.lines()) {
      // Others write to this program's own terminal too: what was typed comes before what that does.
      if (connection.terminal !== undefined) await editor.write('');
      const done = shell.run(line, [...history].reverse()).then((text) => editor.write(text));
      onCommand(done);
      await done;
      if (connection.gone.aborted || shell.over) return;
      editor.prompt();
    }
  } finally {
    editor.close();
  }
}

/** The name in the prompt, whatever the program is called. */
const PROMPT = 'vpmem';
