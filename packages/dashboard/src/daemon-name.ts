import type { DaemonView } from '@vpmem/watch';

type Named = Pick<DaemonView, 'name' | 'pid' | 'started'>;

/** What people call a program. */
export function daemonTitle({ name, pid }: Pick<Named, 'name' | 'pid'>): string {
  return name ?? `process ${pid}`;
}

/** What tells it from all others, also from a later one with its process id. */
export function daemonKey({ pid, started }: Pick<Named, 'pid' | 'started'>): string {
  return `${pid} ${started}`;
}

export function deviceKey(daemon: Pick<Named, 'pid' | 'started'>, id: string): string {
  return `${daemonKey(daemon)} ${id}`;
}
