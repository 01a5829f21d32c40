import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where sockets go that nobody named: `$XDG_RUNTIME_DIR/vpmem`, else a directory of this user's under the temporary directory. */
export function defaultSocketFolder(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  return runtime !== undefined && runtime !== '' ? join(runtime, 'vpmem') : privateFolder();
}

/** A directory of this user's under the temporary directory. Asked each time: a program may give up who it was. */
export function privateFolder(): string {
  return join(tmpdir(), `vpmem-${process.getuid?.() ?? 0}`);
}
