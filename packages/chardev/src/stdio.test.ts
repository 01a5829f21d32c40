import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Connection } from './connection.ts';
import { StdioChardev } from './stdio.ts';

/** A terminal that notes what is asked of it. */
class FakeTerminal extends PassThrough {
  readonly isTTY = true;
  readonly raw: boolean[] = [];
  setRawMode(raw: boolean): void {
    this.raw.push(raw);
  }
}

/** Echoes what it gets, in brackets. */
async function echo(connection: Connection): Promise<void> {
  for await (const chunk of connection.chunks()) await connection.write(`[${chunk.toString()}]`);
}

describe('StdioChardev', () => {
  it('serves a pipe to its end, and leaves the output to others', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const chardev = new StdioChardev(input, output);
    let served: Promise<void> | undefined;
    await chardev.start((connection) => {
      expect(connection.terminal).toBeUndefined();
      return (served = echo(connection));
    });
    input.end('a');
    await served;
    output.write('more');
    expect(String(output.read())).toBe('[a]more');
    await chardev.close();
    expect(output.destroyed).toBe(false);
  });

  it('ends lines as the terminal or the pipe wants them', async () => {
    for (const [input, expected] of [[new FakeTerminal(), 'µ\na\r'], [new PassThrough(), 'µ\r\na\r']] as const) {
      const output = new PassThrough();
      const chardev = new StdioChardev(input, output);
      await chardev.start((connection) => connection.write('µ\r\na\r'));
      await chardev.close();
      expect(String(output.read())).toBe(expected);
    }
  });

  it('takes every key of a terminal, and gives it back as it was', async () => {
    const input = new FakeTerminal();
    const output = Object.assign(new PassThrough(), { columns: 132 });
    const chardev = new StdioChardev(input, output);
    expect(input.raw).toEqual([]);
    await chardev.start((connection) => {
      expect(connection.terminal?.columns).toBe(132);
      return echo(connection);
    });
    expect(input.raw).toEqual([true]);
    await chardev.close();
    await chardev.close();
    expect(input.raw).toEqual([true, false]);
    expect(input.destroyed).toBe(true);
  });
});
