import { closeSync } from 'node:fs';
import { setCloseOnExec } from '@vpmem/native';
import { StoreError } from './store-error.ts';

/** SD_LISTEN_FDS_START of sd_listen_fds(3) */
const FIRST = 3;

/**
 * What this process was started with, by name: sd_listen_fds_with_names(3). Takes LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID out of
 * `env`: no child is to take them for its own. All become close-on-exec. Of several with one name the first is given, which is the one
 * that was stored last; the others are closed here. Without LISTEN_PID, which our keeper cannot know before there is a process, they are
 * taken.
 *
 * @throws StoreError if a descriptor that is promised is not open
 */
export function inheritedDescriptors(env: NodeJS.ProcessEnv): ReadonlyMap<string, number> {
  const { LISTEN_FDS: count, LISTEN_FDNAMES: names = '', LISTEN_PID: pid } = env;
  delete env.LISTEN_FDS;
  delete env.LISTEN_FDNAMES;
  delete env.LISTEN_PID;
  // Since systemd 258; it says the same as LISTEN_PID.
  delete env.LISTEN_PIDFDID;
  const inherited = new Map<string, number>();
  if (count === undefined || (pid !== undefined && pid !== String(process.pid))) return inherited;
  const words = names.split(':');
  for (let i = 0; i < Number(count); i++) {
    const fd = FIRST + i;
    const name = words[i] ?? 'unknown';
    try {
      setCloseOnExec(fd, true);
    } catch (error) {
      throw new StoreError(`LISTEN_FDS=${count}: descriptor ${fd}, '${name}', is not open: whoever started this process has not passed it`, { cause: error });
    }
    if (inherited.has(name)) closeSync(fd);
    else inherited.set(name, fd);
  }
  return inherited;
}
