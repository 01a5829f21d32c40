import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { preparePackages, TestbedError, type PackageTree } from '@vpmem/testbed';

/** Debian's Prometheus and promtool, unpacked and not installed; or why they cannot be had here. As with the testbed: where `CI` is `true` nothing is skipped. */
export async function requirePrometheus(): Promise<{ packages: PackageTree; reason?: undefined } | { packages?: undefined; reason: string }> {
  try {
    return { packages: await preparePackages('prometheus-1', ['prometheus']) };
  } catch (error) {
    if (!(error instanceof TestbedError) || process.env.CI === 'true') throw error;
    return { reason: error.message };
  }
}

/** One figure that an expression has come to, and its labels. */
export interface Figure {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus that scrapes every second, with its data in a folder of its own. */
export class Prometheus {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.#url = url;
  }

  /** `target` is HOST:PORT, of the job vpmem. @throws Error with what it said, if it ends instead */
  static async start(packages: PackageTree, target: string, rules: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-prometheus-'));
    const config = { global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: [rules], scrape_configs: [{ job_name: 'vpmem', static_configs: [{ targets: [target] }] }] };
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const [command = '', ...args] = packages.command('usr/bin/prometheus');
    const options = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, '--web.listen-address=127.0.0.1:0', `--web.console.templates=${folder}`, `--web.console.libraries=${folder}`];
    const child = spawn(command, [...args, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said: string[] = [];
    for await (const line of createInterface(child.stderr)) {
      said.push(line);
      const [, address] = /msg="Listening on" address=(\S+)/.exec(line) ?? [];
      if (address === undefined) continue;
      child.stderr.resume();
      return new Prometheus(child, folder, `http://${address}`);
    }
    rmSync(folder, { recursive: true });
    throw new Error(`Prometheus has ended: ${said.join('\n')}`);
  }

  /** What an expression comes to now; none where it is about nothing, or Prometheus is not ready yet. */
  async query(expression: string): Promise<readonly Figure[]> {
    const answer = (await (await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`)).text());
    if (!answer.startsWith('{')) return [];
    const { status, error, data } = JSON.parse(answer) as { status: string; error?: string; data?: { result: { metric: Record<string, string>; value: [number, string] }[] } };
    if (status !== 'success') throw new Error(error);
    return (data?.result ?? []).map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  /** The same of an expression that is about one figure. */
  async one(expression: string): Promise<number | undefined> {
    return (await this.query(expression))[0]?.value;
  }

  /** Names of alerts that fire, with the device. */
  async firing(): Promise<readonly string[]> {
    return (await this.query('ALERTS{alertstate="firing"}')).map(({ metric: { alertname = '', device = '' } }) => `${alertname} ${device}`).sort();
  }

  async stop(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
    rmSync(this.#folder, { recursive: true });
  }
}
