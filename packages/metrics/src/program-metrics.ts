import type { MetricDeclaration } from './metric-declaration.ts';

/** What is known of a program and its process. */
export interface ProgramReading {
  /** `vpmemd`, `vpmem qemu` or `vpmem run`. */
  readonly program: string;
  readonly version: string;
  /** Bytes. */
  readonly residentMemory: number;
  /** Seconds of processor time so far, of all threads. */
  readonly processorTime: number;
  /** Seconds since 1970. */
  readonly started: number;
}

/** Metrics of the program itself: one figure each, without a device. */
export const PROGRAM_METRICS: readonly MetricDeclaration<ProgramReading>[] = [
  {
    name: 'vpmem_build_info',
    type: 'gauge',
    help: 'Which program it is, its version, and that of node; always 1.',
    labels: ['program', 'version', 'node'],
    read: ({ program, version }) => [{ value: 1, labels: { program, version, node: process.version } }],
  },
  { name: 'process_start_time_seconds', type: 'gauge', help: 'When the process began, in seconds since 1970.', read: ({ started }) => started },
  { name: 'process_cpu_seconds_total', type: 'counter', help: 'Processor time of the process so far, user and system, of all its threads.', read: ({ processorTime }) => processorTime },
  { name: 'process_resident_memory_bytes', type: 'gauge', help: 'Memory of the process that is in RAM. The memory of its devices is not in it, but for pages that it has touched itself.', read: ({ residentMemory }) => residentMemory },
];

// Once: a clock that is set later must not look like another process.
const STARTED = Date.now() / 1000 - process.uptime();

/** As it is now. */
export function readProgram({ program, version }: Pick<ProgramReading, 'program' | 'version'>): ProgramReading {
  const { user, system } = process.cpuUsage();
  return { program, version, residentMemory: process.memoryUsage.rss(), processorTime: (user + system) / 1e6, started: STARTED };
}
