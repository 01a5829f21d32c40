import { MetricsError, parseMetricsAddress, type MetricsAddress } from '@vpmem/metrics/address';
import { SetupError } from './options/setup-error.ts';

/** Where metrics are to be had, and how the option says that. */
export interface MetricsSetting {
  /** As it was typed, for messages about it. */
  readonly option: string;
  readonly address: MetricsAddress;
}

/** Reads the ADDRESS of an option `name`, such as `-metrics`. @throws SetupError */
export function readMetricsSetting(name: string, address: string): MetricsSetting {
  const option = `${name} ${address}`;
  try {
    return { option, address: parseMetricsAddress(address) };
  } catch (error) {
    throw metricsMistake(option, error);
  }
}

/** What is to be thrown for `error`: a SetupError for a mistake of the user's. */
export function metricsMistake(option: string, error: unknown): unknown {
  return error instanceof MetricsError ? new SetupError(`${option}: ${error.message}`, { cause: error }) : error;
}
