import { once } from 'node:events';
import { Dashboard, DashboardError } from '@vpmem/dashboard';
import { Watch } from '@vpmem/watch';

/** What `vpmem dashboard` was told, as words. */
export interface DashboardWords {
  readonly port?: string;
  readonly control?: boolean;
  readonly reports?: string;
}

/** `vpmem dashboard`: serves the page until it is told to end; the exit status. */
export async function runDashboard(names: readonly string[], { port = '0', control = false, reports }: DashboardWords): Promise<number> {
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const watch = new Watch({ names });
  let dashboard;
  try {
    dashboard = await Dashboard.start({ rounds: watch, port: portOf(port), control, reports });
  } catch (error) {
    watch.close();
    if (!(error instanceof DashboardError)) throw error;
    process.stderr.write(`vpmem: ${error.message}\n`);
    return 1;
  }
  process.stdout.write(`${dashboard.address}\n`);
  await Promise.race([ended, dashboard.ended]);
  watch.close();
  await dashboard.close();
  return 0;
}

/** @throws DashboardError */
function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65_535)) throw new DashboardError(`--port ${text}: that is no port; write a number from 1 to 65535, or 0 for any that is free`);
  return port;
}
