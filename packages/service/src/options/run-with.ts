import { execFileSync } from 'node:child_process';
import { noNewPrivileges, signalAtParentsEnd } from '@vpmem/native';
import { defineProperties, property, type ValuesOf } from '@vpmem/options';
import { SetupError } from './setup-error.ts';
import { PARENT_ENDED } from '../stop-signal.ts';

// Node's types do not have it.
const initgroups = (name: string, gid: number): void => (process as unknown as { initgroups(name: string, gid: number): void }).initgroups(name, gid);

/** Properties of `-run-with` (QEMU 11.1). */
export const runWithProperties = defineProperties({
  user: property.string({ description: 'NAME or UID:GID to be from the first moment on' }),
  chroot: property.refused('node cannot change its root; a service manager can'),
  'async-teardown': property.refused('there is no VM in this process whose memory takes long to give back'),
  'restart-burst': property.int({ default: 5, min: 0, max: 1_000_000, description: 'with -keep: more deaths than that within 10 seconds are too many (not in QEMU)' }),
  'exit-with-parent': property.bool({ default: false, description: 'end, as by SIGTERM, when who started it has ended' }),
});

/** What `-run-with` says. */
export type RunWithSettings = ValuesOf<typeof runWithProperties>;

/**
 * Gives up what this process does not need: no program it starts gains privileges, and with `user` it is that user, with that
 * user's groups, for good. Before anything is made, so that everything is that user's.
 *
 * @throws SetupError
 */
export function giveUpPrivileges({ user }: RunWithSettings): void {
  noNewPrivileges();
  if (user === undefined) return;
  const { uid, gid, groupsOf } = find(user);
  try {
    if (groupsOf === undefined) process.setgroups?.([gid]);
    else initgroups(groupsOf, gid);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (error) {
    throw new SetupError(`-run-with user=${user}: this process may not become another user (${(error as NodeJS.ErrnoException).code ?? ''}); start it as root or as that user`, { cause: error });
  }
  // The folder of whoever started it.
  delete process.env.XDG_RUNTIME_DIR;
}

/** With `exit-with-parent`. After {@link giveUpPrivileges}, which would undo it. @throws SetupError if the parent has ended already */
export function followParent({ 'exit-with-parent': follow }: RunWithSettings): void {
  if (follow && !signalAtParentsEnd(PARENT_ENDED)) throw new SetupError('-run-with exit-with-parent=on: who started it has ended already');
}

interface User {
  readonly uid: number;
  readonly gid: number;
  /** Whose supplementary groups; absent: none. */
  readonly groupsOf?: string;
}

/** @throws SetupError */
function find(user: string): User {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(user) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  try {
    // The system's own way of looking, wherever its users are kept.
    const id = (kind: '-u' | '-g'): number => Number(execFileSync('id', [kind, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g'), groupsOf: user };
  } catch (error) {
    throw new SetupError(`-run-with user=${user}: there is no such user; give a name or UID:GID`, { cause: error });
  }
}
