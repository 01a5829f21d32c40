import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explore, MemoryPlace, type ExploreReport } from '@vpmem/explorer';
import { formatReport } from '@vpmem/explorer-report';
import { Guest } from '@vpmem/guest';
import { closeBackend, MemoryBackend, openBackend } from '@vpmem/memory-backend';
import { Recording } from '@vpmem/recording';
import { SimulatedMedium } from '@vpmem/simulated-medium';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import colors from 'picocolors';
import { hasColors } from '../terminal/terminal-colors.ts';
import { append, checkLog, nameLogBytes } from './demo-log.ts';
import type { ExploreWords } from './explore-options.ts';
import { checkOutputs, writeReports } from './explore-outputs.ts';

const SIZE = 2 ** 21;
const RECORDS = 5;
const CHECKER = 'each acknowledged record is there, and each that the header counts is whole';

/** `vpmem explore --demo`: a log with a mistake, recorded and explored, and the same log without it; the exit status is 0 if both came out as they have to. */
export async function runExploreDemo(words: ExploreWords): Promise<number> {
  checkOutputs(words);
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-explore-demo-'));
  const { bold, cyan, green, red } = colors.createColors(hasColors(process.stdout));
  const say = (text = ''): unknown => process.stdout.write(`${text}\n`);
  try {
    say(bold('A guest keeps a log: a record, then the header that counts it, then one fsync for both. Is that enough?'));
    say(`It appends ${RECORDS} records to a virtio-pmem device and acknowledges each after its fsync. What becomes durable is recorded.`);
    const wrong = await explored(join(folder, 'log.vpmrec'), { mistake: true });
    writeReports(wrong, words);
    say(`Every state that a power cut could have left is checked: ${CHECKER}.\n`);
    say(formatReport(wrong, { colors: hasColors(process.stdout), width: process.stdout.columns }));
    const right = await explored(join(folder, 'mended.vpmrec'), { mistake: false });
    say(`\n${bold('With an fsync between record and header')}: ${right.totals.states} states, ${right.failures.length === 0 ? green('none violated') : red('violated')}.`);
    say(`\nYour own guest: record it once, then explore it with any program that exits with 0 or 1:`);
    const at = existsSync('vpmem') ? './' : '';
    say(cyan(`  ${at}vpmem qemu --record rec -- …`));
    say(cyan(`  ${at}vpmem explore rec/nv1.vpmrec --mount ext4 --check ./check.sh --html report.html`));
    return wrong.failures.length > 0 && right.failures.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function explored(file: string, how: { readonly mistake: boolean }): Promise<ExploreReport> {
  await record(file, how);
  const recording = Recording.open(file);
  try {
    const events = explore(recording, {
      file: 'log.vpmrec',
      openPlace: () => Promise.resolve(new MemoryPlace(recording.size, checkLog)),
      check: CHECKER,
      units: ['page', 'sector', 'line', 'word'],
      nameBytes: nameLogBytes,
      reproduce: (state) => `vpmem recording image log.vpmrec --state ${state} -o left.img`,
    });
    for await (const event of events) if (event.type === 'end') return event.report;
    throw new Error('exploring ended without a report');
  } finally {
    recording.close();
  }
}

/** The embedded guest appends to the log on a device whose medium is recorded. */
async function record(file: string, how: { readonly mistake: boolean }): Promise<void> {
  const description = await openBackend({ type: 'memory-backend-file', id: 'log', memPath: `${file}.img`, size: SIZE, share: true, powerFailure: true, pageTracker: 'compare' });
  const ignored = (): void => undefined;
  const medium = new SimulatedMedium(description, { powerLost: ignored, powerBack: ignored, planned: ignored });
  await settled((done) => medium.beginRecording({ target: { path: file }, interval: undefined }, done));
  const guest = new Guest();
  const disk = guest.plug(new VirtioPciFunction(new VirtioPmem(new MemoryBackend(description, medium))));
  for (let number = 1; number <= RECORDS; number++) {
    await append(disk, number, how);
    await settled((done) => medium.mark(`acknowledged ${number}`, done));
  }
  await settled((done) => medium.endRecording(done));
  await guest.close();
  await new Promise<void>((resolve) => medium.close(resolve));
  closeBackend(description);
}

/** @throws what went wrong */
function settled(begin: (done: (outcome: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => begin((outcome) => (outcome instanceof Error ? reject(outcome) : resolve())));
}
