import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentChannel } from './agent-channel.ts';

const TOKEN = 'f00d';
const frame = (words: string): string => `\x1e${TOKEN} ${words}\n`;
const answer = (id: number, output: string, status = 0): string => `${frame(`begin ${id}`)}${output}${frame(`end ${id} ${status}`)}`;

let sent: string[];
let channel: AgentChannel;
const ready = vi.fn<() => void>();
const broken = vi.fn<(problem: string) => void>();
const receive = (text: string): void => channel.receive(Buffer.from(text));
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  sent = [];
  ready.mockReset();
  broken.mockReset();
  channel = new AgentChannel(TOKEN, (line) => sent.push(line), { ready, broken });
});

describe('AgentChannel', () => {
  it('sends a script as one line and gives back its output and status', async () => {
    const result = channel.run("echo 'two\nlines'");
    await settle();
    expect(sent).toEqual(["1 echo 'two\\nlines'\n"]);
    receive(answer(1, 'two\nlines\n', 3));
    expect(await result).toEqual({ status: 3, output: 'two\nlines\n' });
  });

  it('takes frames cut at every place', async () => {
    const text = `noise${answer(1, `\x1e${TOKEN.slice(1)} é\x1e\n`, 0)}`;
    const result = channel.run('x');
    await settle();
    for (const byte of Buffer.from(text)) channel.receive(Buffer.of(byte));
    expect(await result).toEqual({ status: 0, output: `\x1e${TOKEN.slice(1)} é\x1e\n` });
  });

  it('sends a line of which the shell takes nothing away', async () => {
    void channel.run(' a\\nb\té\x1e ');
    await settle();
    expect(sent).toEqual(['1 \\0040a\\\\nb\\0011\\0303\\0251\\0036\\0040\n']);
  });

  it('does not take frames of another guest for its own', async () => {
    const forged = '\x1ebeef end 1 9\n';
    const result = channel.run('x');
    await settle();
    receive(answer(1, forged));
    expect(await result).toEqual({ status: 0, output: forged });
  });

  it('runs one command after the other, also after a failed one', async () => {
    const results = ['a', 'b'].map((script) => channel.run(script));
    await settle();
    expect(sent).toHaveLength(1);
    channel.fail(new Error('gone'));
    await expect(results[0]).rejects.toThrow('gone');
    await settle();
    expect(sent).toHaveLength(2);
    receive(answer(2, 'fine'));
    expect(await results[1]).toEqual({ status: 0, output: 'fine' });
  });

  it('shows what a command has written so far', async () => {
    void channel.run('x');
    await settle();
    receive(`${frame('begin 1')}half a`);
    expect(channel.partialOutput).toBe('half a');
  });

  it('fails a command when the guest starts again, with what it had written', async () => {
    const result = channel.run('reboot -f');
    await settle();
    receive(`${frame('begin 1')}going down${frame('ready')}`);
    await expect(result).rejects.toMatchObject({ code: 'dead', message: expect.stringContaining('going down') as string });
    expect(ready).toHaveBeenCalledOnce();
  });

  it('tells of what could not be set up', () => {
    receive(frame('broken nfit.ko: no such device'));
    expect(broken).toHaveBeenCalledWith('nfit.ko: no such device');
    expect(ready).not.toHaveBeenCalled();
  });

  it('refuses a script that the line cannot take', async () => {
    await expect(channel.run('x'.repeat(32_769))).rejects.toMatchObject({ code: 'refused' });
  });
});
