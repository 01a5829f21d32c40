import { Worker, type WorkerOptions } from 'node:worker_threads';
import { checkFreeDescriptors } from '@vpmem/native';

/** Descriptors that have to be free: five for a thread's event loop and its program, and some that others may take meanwhile. */
const ROOM = 16;

/** The program of a thread, `NAME.js` beside what was built of the module at `asker`. A worker runs what was built, also when that one is run from source. */
export function threadProgram(name: string, asker: string): URL {
  return new URL(`./${name}.js`, asker.endsWith('.ts') ? asker.replace(/\/src\/(?!.*\/src\/).*/, '/dist/') : asker);
}

/**
 * Starts a thread that does not keep the program running. `purpose`: what it is for, as the object of "for".
 *
 * @throws Error as {@link checkRoom} does, and with `code` EAGAIN where there can be no more threads
 */
export function startThread(program: URL, purpose: string, options: WorkerOptions): Worker {
  checkRoom(purpose);
  try {
    const worker = new Worker(program, options);
    worker.unref();
    return worker;
  } catch (error) {
    throw cannotStart(purpose, error, 'EAGAIN', 'see ulimit -u');
  }
}

/**
 * Tries whether a thread could have the descriptors it needs: where node's event loop stands still, nobody would hear of one
 * that ends before it has begun.
 *
 * @throws Error with `code` EMFILE or ENFILE, naming the purpose
 */
export function checkRoom(purpose: string): void {
  try {
    checkFreeDescriptors(ROOM);
  } catch (error) {
    throw cannotStart(purpose, error, (error as NodeJS.ErrnoException).code ?? 'EMFILE', `it needs ${ROOM} descriptors, see ulimit -n`);
  }
}

function cannotStart(purpose: string, cause: unknown, code: string, advice: string): NodeJS.ErrnoException {
  const message = `no thread can be started for ${purpose} (${code}): ${advice}`;
  return Object.assign(new Error(message, { cause }), { code, errno: (cause as NodeJS.ErrnoException).errno, syscall: 'clone' });
}
