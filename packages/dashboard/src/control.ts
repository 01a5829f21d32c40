import { QmpClient, QmpConnectionError, QmpError } from '@vpmem/qmp/client';
import type { Board } from './board.ts';
import { daemonTitle } from './daemon-name.ts';
import { RequestRefusal } from './request-refusal.ts';
import type { ControlAnswer, ControlRequest } from './snapshot.ts';

/** How long a program may take to do it, in milliseconds. */
const PATIENCE = 10_000;

/** What may be asked for; nothing here makes a file, or names one. */
const COMMANDS: Readonly<Record<ControlRequest['command'], readonly string[]>> = {
  'power-cut': ['survivors', 'granularity', 'seed', 'at-flush', 'phase'],
  'flush-fault': ['fault', 'at-flush', 'lasting', 'ms'],
  'flush-limit': ['ops', 'burst'],
};

/** Does what a page asks for to a device. @throws RequestRefusal */
export async function carryOut(board: Board, body: unknown): Promise<ControlAnswer> {
  const { machine, device, confirmed, command, arguments: given } = check(body);
  const found = board.find(machine, device);
  if (found === undefined) throw new RequestRefusal(404, 'there is no such device any more');
  const { daemon, device: { info: { id } } } = found;
  const title = `${id} of ${daemonTitle(daemon)}`;
  if (confirmed !== title) throw new RequestRefusal(409, `'${confirmed}' was confirmed, and this is '${title}': nothing was done`);
  const answer = await execute(daemon.qmp, command, { id, ...given });
  return { text: describe(title, command, given, answer) };
}

function check(body: unknown): ControlRequest {
  const { machine, device, confirmed, command, arguments: given } = (body ?? {}) as Partial<Record<keyof ControlRequest, unknown>>;
  const bad = (what: string): RequestRefusal => new RequestRefusal(400, `what was asked for is not understood: ${what}`);
  if (typeof machine !== 'string' || typeof device !== 'string' || typeof confirmed !== 'string') throw bad('it wants machine, device and confirmed');
  if (typeof command !== 'string' || !isCommand(command)) throw bad(`command has to be one of ${Object.keys(COMMANDS).join(', ')}`);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw bad('arguments have to be an object');
  for (const [name, value] of Object.entries(given)) {
    if (!COMMANDS[command].includes(name)) throw bad(`${command} takes ${COMMANDS[command].join(', ')} here`);
    if (!['string', 'number', 'boolean'].includes(typeof value)) throw bad(`${name} has to be a text, a number or a truth value`);
  }
  return { machine, device, confirmed, command, arguments: given as ControlRequest['arguments'] };
}

function isCommand(name: string): name is ControlRequest['command'] {
  return Object.hasOwn(COMMANDS, name);
}

async function execute(path: string, command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
  let client: QmpClient | undefined;
  const signal = AbortSignal.timeout(PATIENCE);
  try {
    client = await QmpClient.connect({ path }, { signal });
    const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new RequestRefusal(504, `the program has not answered within ${PATIENCE / 1000} s; whether it was done is not known`))));
    return await Promise.race([client.executeAny(command, args), late]);
  } catch (error) {
    if (error instanceof QmpError) throw new RequestRefusal(422, error.message);
    if (error instanceof QmpConnectionError) throw new RequestRefusal(502, `the program was not reached: ${error.message}`);
    throw error;
  } finally {
    client?.close();
  }
}

function describe(title: string, command: ControlRequest['command'], given: ControlRequest['arguments'], answer: unknown): string {
  if (command === 'flush-limit') return given.ops === 0 ? `The limit of ${title} is gone.` : `${title} is limited to ${String(given.ops)} syncs a second.`;
  if (command === 'flush-fault') return given.fault === 'none' ? `What was planned for flushes of ${title} is taken back.` : `A fault is planned for ${title}.`;
  const { cut } = (answer ?? {}) as { readonly cut?: { readonly 'lost-bytes'?: unknown; readonly 'survived-bytes'?: unknown } };
  return cut === undefined ? `A power cut is planned for ${title}.` : `The power of ${title} was cut: ${String(cut['lost-bytes'])} bytes lost, ${String(cut['survived-bytes'])} survived.`;
}
