import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseReport, toHtml } from '@vpmem/explorer-report';
import { DashboardError } from './dashboard-error.ts';
import type { ReportList } from './snapshot.ts';

/** Reports that are shown. */
const MOST = 200;
/** Bytes of one. */
const LARGEST = 64 * 2 ** 20;

/** A folder with reports of the explorer, as JSON or HTML. */
export class ReportFolder {
  readonly #path: string;

  /** @throws DashboardError if there is no such folder */
  constructor(path: string) {
    this.#path = resolve(path);
    let problem = 'there is no such folder';
    try {
      if (statSync(path).isDirectory()) return;
      problem = 'that is no folder';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') problem = (error as Error).message;
    }
    throw new DashboardError(`--reports ${path}: ${problem}; name the one that vpmem explore writes its reports into`);
  }

  /** What is there now, newest first. */
  list(): Omit<ReportList, 'base'> {
    try {
      const reports = this.#names().flatMap((name) => {
        const stat = statSync(join(this.#path, name), { throwIfNoEntry: false });
        return stat?.isFile() === true ? [{ name, time: Math.round(stat.mtimeMs) }] : [];
      });
      return { reports: reports.sort((one, other) => other.time - one.time).slice(0, MOST) };
    } catch (error) {
      return { reports: [], problem: (error as Error).message };
    }
  }

  /** A report as HTML; undefined for what is none of the folder's. @throws Error, in one line, for what cannot be shown */
  read(name: string): string | undefined {
    // Only what a listing has: no path leads anywhere else.
    if (!this.#names().includes(name)) return undefined;
    const fd = openSync(join(this.#path, name), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) throw new Error(`'${name}' is no file`);
      if (stat.size > LARGEST) throw new Error(`'${name}' has ${stat.size} bytes; up to ${LARGEST} are shown`);
      const text = readFileSync(fd, 'utf8');
      return name.endsWith('.json') ? toHtml(parseReport(text, name)) : text;
    } finally {
      closeSync(fd);
    }
  }

  #names(): string[] {
    return readdirSync(this.#path).filter((name) => /\.(?:html|json)$/.test(name));
  }
}
