import { expect, it } from 'vitest';
import { idleHandlers } from './idle-handlers.ts';
import { QmpError } from './qmp-error.ts';
import { QmpSession } from './qmp-session.ts';

/** As long as a string of a client can be, of characters that take six when they are sent. */
const LONG = '\u007f'.repeat(2 ** 26 - 2);

/** What is sent in answer to `query-name`, which fails with `problem`, and to `query-pci` after it: how long each is, and its beginning. */
async function answers(problem: string): Promise<{ length: number; text: string }[]> {
  const said: { length: number; text: string }[] = [];
  const session = new QmpSession({
    version: { qemu: { major: 11, minor: 1, micro: 3 }, package: 'test' },
    handlers: idleHandlers({ 'query-name': () => { throw new QmpError('GenericError', problem); } }),
    write: (text) => said.push({ length: text.length, text: text.slice(0, 150) }) > 0,
    onOverflow: () => undefined,
  });
  session.receive(Buffer.from('{"execute":"qmp_capabilities"}'));
  await session.idle();
  session.receive(Buffer.from('{"execute":"query-name","id":1}{"execute":"query-pci","id":2}'));
  await session.idle();
  return said.slice(2);
}

it('an error with 64 MiB that all need an escape is sent', async () => {
  const [refused, next] = await answers(LONG);
  expect(refused?.length).toBeGreaterThan(6 * LONG.length);
  expect(next?.text).toBe('{"return": [], "id": 2}\r\n');
});

// A pattern that was matched against all of it at once ended the process: more matches than a list of the engine holds.
it('an error with twice as much is longer than a string can be, and sent in part', async () => {
  const [refused, next] = await answers(`no ${LONG} in ${LONG}`);
  expect(refused?.text).toMatch(/^{"error": {"class": "GenericError", "desc": "The answer is too long to be sent; it begins with: no \\u007F/);
  expect(next?.text).toBe('{"return": [], "id": 2}\r\n');
});
