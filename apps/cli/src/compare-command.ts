import { CompareError, compareEmbedded, compareLinux, formatReport, NO_PAINT, type CompareReport, type ComparisonOptions, type Paint } from '@vpmem/compare';
import { explainError } from '@vpmem/machine';
import { prepareTestbed, TestbedError } from '@vpmem/testbed';
import colors from 'picocolors';
import { CliError } from './cli-error.ts';
import { readCompareOptions, type CompareWords } from './compare-options.ts';
import { formatJson } from './qmp/qmp-command.ts';
import { hasColors } from './terminal/terminal-colors.ts';

/** `vpmem compare`: what a power cut leaves on virtio-pmem and on nvdimm; the exit status. */
export async function runCompare(words: CompareWords): Promise<number> {
  // Whatever was made is removed when the process ends by itself, and QEMU ends with it.
  const end = (signal: NodeJS.Signals): never => process.exit(signal === 'SIGINT' ? 130 : 143);
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    const report = await compared(words, readCompareOptions(words));
    process.stdout.write(words.json === true ? formatJson(report) : `${formatReport(report, paint())}\n`);
    const [first, ...others] = report.broken;
    if (first === undefined) return 0;
    say(others.length === 0 ? first : `${first} (and ${others.length} more)`);
    return 1;
  } catch (error) {
    const text = explain(error);
    if (text === undefined) throw error;
    say(text);
    return 1;
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

/** One line for what can go wrong; a testbed's error goes on with everything that the guest has said. */
function explain(error: unknown): string | undefined {
  if (error instanceof CliError || error instanceof CompareError) return error.message;
  if (error instanceof TestbedError) return error.message.split('\n', 1)[0];
  return explainError(error);
}

async function compared({ qemu = false }: CompareWords, options: ComparisonOptions): Promise<CompareReport> {
  if (!qemu) return await compareEmbedded({ ...options, say });
  const testbed = await prepareTestbed({ say });
  return await compareLinux({ ...options, say }, testbed);
}

function say(line: string): void {
  process.stderr.write(`vpmem compare: ${line}\n`);
}

function paint(): Paint {
  if (!hasColors(process.stdout)) return NO_PAINT;
  const { green, red, dim, bold } = colors.createColors(true);
  return { good: green, bad: red, dim, strong: bold };
}
