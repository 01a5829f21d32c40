import type { ManagedMachine } from '@vpmem/machine';
import type { MetricsServer } from '@vpmem/metrics';
import { anchorMetricsAddress, formatMetricsAddress } from '@vpmem/metrics/address';
import type { About } from '@vpmem/monitor';
import { metricsMistake, type MetricsSetting } from './metrics-setting.ts';

/** A listening socket, and where it listens, in words that another process finds it by. */
export interface NamedListener {
  readonly at: string;
  readonly fd: number;
}

/** Serves metrics of a machine where that was asked for, and nothing where it was not. */
export class MetricsEndpoint {
  readonly #setting: MetricsSetting;
  readonly #metrics: typeof import('@vpmem/metrics');
  #server: MetricsServer | undefined;

  private constructor(setting: MetricsSetting, metrics: typeof import('@vpmem/metrics')) {
    this.#setting = setting;
    this.#metrics = metrics;
  }

  /**
   * Loads what it takes, which nobody else needs, before there are sockets: once node's `lstatSync` has looked at one, an import finds packages
   * by their links only (its realpath asks whether the last file it looked at was a socket, where it meant this one), and so not what those need.
   */
  static async prepare(setting: MetricsSetting | undefined): Promise<MetricsEndpoint | undefined> {
    return setting === undefined ? undefined : new MetricsEndpoint(setting, await import('@vpmem/metrics'));
  }

  /** `inherited`: listening sockets of a process whose place this one takes; one that is used is taken out. @throws SetupError with nothing left open */
  async open(machine: ManagedMachine, about: About, inherited?: Map<string, number>): Promise<this> {
    const { option, address } = this.#setting;
    const theirs = inherited?.get(this.#name);
    inherited?.delete(this.#name);
    try {
      this.#server = await this.#metrics.MetricsServer.open({ address, inherited: theirs, machine, program: about.program, version: about.version, warn: (text) => about.warn(`${option}: ${text}`) });
      return this;
    } catch (error) {
      throw metricsMistake(option, error);
    }
  }

  /** Where it is to be had, for people. */
  get location(): string | undefined {
    return this.#server?.location;
  }

  /** What is said of it where programs that run are listed. */
  get entry(): { readonly metrics?: string } {
    return this.location === undefined ? {} : { metrics: this.location };
  }

  /** What another process that takes over gets of it. */
  get listeners(): readonly NamedListener[] {
    const fd = this.#server?.fd;
    return fd === undefined ? [] : [{ at: this.#name, fd }];
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  /** By what was asked for: a port that the system chose stays the same. A path is one from any folder. */
  get #name(): string {
    return `metrics ${formatMetricsAddress(anchorMetricsAddress(this.#setting.address))},server=on`;
  }
}
