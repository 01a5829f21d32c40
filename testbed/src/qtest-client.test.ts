import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { QtestClient } from './qtest-client.ts';

function connect() {
  const sent: string[] = [];
  const client = new QtestClient();
  client.connect(
    new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        sent.push(chunk.toString());
        done();
      },
    }),
  );
  return { client, sent };
}

it('asks in order, numbers in hexadecimal, and passes over interrupts', async () => {
  const { client, sent } = connect();
  const answers = [client.ask('readq', 0x1_0000_0000n), client.ask('outl', 0xcf8, 0x80000000)];
  client.receive('IRQ raise 4\nOK 0x00000000000');
  client.receive('000ff\nOK\n');
  expect(await Promise.all(answers)).toEqual(['0x00000000000000ff', '']);
  expect(sent).toEqual(['readq 0x100000000\n', 'outl 0xcf8 0x80000000\n']);
});

it('fails with what QEMU says', async () => {
  const { client } = connect();
  const answer = client.ask('nonsense');
  client.receive('FAIL Unknown command\n');
  await expect(answer).rejects.toMatchObject({ code: 'refused', message: 'qtest nonsense: FAIL Unknown command' });
});
