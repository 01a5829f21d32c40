import { formatMessage, type Writable } from '@vpmem/qmp';
import { QmpClient, QmpConnectionError, QmpError } from '@vpmem/qmp/client';
import { CliError } from '../cli-error.ts';
import { connectMonitor } from '../monitor-address.ts';
import { readArguments } from './qmp-arguments.ts';

/** How long a server may take to greet: it serves one client at a time. */
const PATIENCE_MS = 5000;

/** `vpmem qmp`: runs one command and prints what it answers, as JSON; the exit status. */
export async function runQmp(address: string, command: string, words: readonly string[]): Promise<number> {
  try {
    const client = await connectQmp(address);
    try {
      const answer = await client.executeAny(command, await readArguments(client, command, words));
      process.stdout.write(formatJson(answer));
    } finally {
      client.close();
    }
    return 0;
  } catch (error) {
    process.stderr.write(`vpmem: ${explain(error)}\n`);
    return 1;
  }
}

/** @throws CliError, QmpConnectionError */
export async function connectQmp(address: string): Promise<QmpClient> {
  const socket = await connectMonitor(address);
  try {
    return await QmpClient.over(socket, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    if (error instanceof QmpConnectionError && error.code === 'aborted') throw new CliError(`'${address}' does not greet; a monitor serves one client at a time, so somebody else may be connected`, { cause: error });
    throw error;
  }
}

/** Indented, integers of any size exact. */
export function formatJson(value: unknown): string {
  return formatMessage(value as Writable, { pretty: true }).replaceAll('\r\n', '\n');
}

/** One line. @throws what is nobody's mistake */
export function explain(error: unknown): string {
  if (error instanceof QmpError) return `${error.errorClass}: ${error.message}`;
  if (error instanceof CliError || error instanceof QmpConnectionError) return error.message;
  throw error;
}
