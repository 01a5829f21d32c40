// A comparison as tables in Markdown.
import { figuresOf, pairsOf, type Figure } from './figures.ts';
import type { MediumResult } from './guest-comparison.ts';
import type { Server } from './guest-devices.ts';
import { FLUSHES, type ProcessorRound } from './processor-time.ts';
import { median, plusMinus, ratios, short } from './statistics.ts';
import { guestLines } from './surroundings.ts';

/** What each is called wherever it is shown. */
export const NAMES: Readonly<Record<Server, string>> = { vpmem: 'vpmem', other: 'other build', qemu: "QEMU's own" };
export const MEDIA: Readonly<Record<MediumResult['medium'], string>> = { tmpfs: 'in memory', disk: 'on disk' };

export function comparisonText(result: MediumResult): string {
  const { servers, surroundings, processor, resident } = result;
  const where = MEDIA[result.medium];
  const figures = figuresOf(result);
  const daemons = Object.entries(resident).map(([server, mib]) => `${mib.toFixed(0)} MiB (${NAMES[server as Server]})`);
  return [
    '',
    ...guestLines(surroundings),
    '',
    ...rateTable(where, servers, figures),
    '',
    ...latencyTable(where, servers, figures),
    '',
    ...processorTable(where, servers, processor),
    '',
    `vpmemd with one device, after this: ${daemons.join(', ')} resident`,
  ].join('\n');
}

function rateTable(where: string, servers: readonly Server[], figures: readonly Figure[]): string[] {
  const rows = figures.filter(({ measure }) => measure === 'rate').map((figure) => [figure.workload, ...mediansOf(servers, figure), figure.unit, ...ratiosOf(figure)]);
  return table([`${where}: rates`, ...servers.map((server) => NAMES[server]), 'unit', ...headings(servers, 'above 1: faster')], rows, [servers.length + 1]);
}

function latencyTable(where: string, servers: readonly Server[], figures: readonly Figure[]): string[] {
  const rows = figures.filter(({ measure }) => measure !== 'rate').map((figure) => [figure.workload, `${figure.measure} %`, ...mediansOf(servers, figure), ...ratiosOf(figure)]);
  return table([`${where}: time of an fsync`, 'within', ...servers.map((server) => `${NAMES[server]}, µs`), ...headings(servers, 'below 1: faster')], rows);
}

function processorTable(where: string, servers: readonly Server[], rounds: readonly ProcessorRound[]): string[] {
  const seconds = (server: Server, process: Server): number[] => rounds.map(({ seconds: all }) => all[server]?.[process] ?? NaN);
  const daemons = servers.filter((server) => server !== 'qemu');
  const together = (server: Server): number[] => rounds.map((_, i) => servers.reduce((sum, process) => sum + (seconds(server, process)[i] ?? NaN), 0));
  const rows = servers.map((server) => {
    const own = together(server);
    const ratio = ratios(own, together('qemu'));
    return [
      NAMES[server],
      ...[...daemons, 'qemu' as const].map((process) => median(seconds(server, process)).toFixed(2)),
      median(own).toFixed(2),
      server === 'qemu' ? '' : withSpread(median(ratio), ratio),
    ];
  });
  const headers = [`${where}: processor seconds for ${FLUSHES.toLocaleString('en')} flushes, device, 1 job`, ...daemons.map((server) => (server === 'vpmem' ? 'vpmemd' : 'vpmemd of the other build')), 'QEMU', 'together', `to ${NAMES.qemu}`];
  return table(headers, rows);
}

function mediansOf(servers: readonly Server[], { medians }: Figure): string[] {
  return servers.map((server) => short(medians[server] ?? NaN));
}

function ratiosOf({ ratios: all }: Figure): string[] {
  return all.map(({ median: middle, rounds }) => withSpread(middle, rounds));
}

/** A ratio with what is known of how far to trust it; of one round that is nothing. */
function withSpread(ratio: number, rounds: readonly number[]): string {
  return `${ratio.toFixed(2)} ${rounds.length > 1 ? plusMinus(rounds) : '(one round)'}`;
}

/** With two the plain word is enough. */
function headings(servers: readonly Server[], meaning: string): string[] {
  const pairs = pairsOf(servers);
  return pairs.length === 1 ? [`ratio (${meaning})`] : pairs.map(([of, to]) => `${NAMES[of]} / ${NAMES[to]} (${meaning})`);
}

/** All but the first column, and those of `left`, are numbers. */
function table(headers: readonly string[], rows: readonly (readonly string[])[], left: readonly number[] = []): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(headers), line(headers.map((_, i) => (i === 0 || left.includes(i) ? '---' : '---:'))), ...rows.map(line)];
}
