// What reading a recording costs: images of states, from one to the next, of a full disk; and what writing one does.
import { closeSync, ftruncateSync, fstatSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Mapping } from '@vpmem/native';
import { FileImage, ImageBuilder, MappedImage, Recording, RecordingWriter, type BaseExtent, type ChangedPages } from '@vpmem/recording';
import { median, short } from './statistics.ts';

const MIB = 2 ** 20;
const PAGE = 4096;
const SIZE = 256 * MIB;
const FLUSHES = 64;
const PAGES = 64;
const SECONDS = 2;

export interface RecordingResult {
  readonly target: 'file' | 'mapping';
  /** A state of the same window whose every other page differs from that before. */
  readonly sameWindow: number;
  /** All of a flush, then all of the next: images per second. */
  readonly nextWindow: number;
}

export interface RecordingCosts {
  readonly results: readonly RecordingResult[];
  /** Milliseconds to write a flush, encoding and all. */
  readonly write: number;
  /** Milliseconds to open it. */
  readonly open: number;
}

/** Pages that cannot be made shorter, the same every time. */
function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  for (let i = 0, state = seed * 2 + 1; i < words.length; i++) words[i] = state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return new Uint8Array(words.buffer);
}

function* fullBase(): Generator<BaseExtent> {
  for (let at = 0; at < SIZE; at += MIB) yield { at, bytes: noise(MIB, at / MIB) };
}

/** What flush `flush` changes: half of each of {@link PAGES} pages, spread over the disk. */
function changes(flush: number): ChangedPages[] {
  const step = SIZE / PAGE / PAGES;
  return Array.from({ length: PAGES }, (_, i) => {
    const page = i * step + (flush % step);
    const before = noise(MIB, Math.floor((page * PAGE) / MIB)).slice((page * PAGE) % MIB, ((page * PAGE) % MIB) + PAGE);
    const after = before.slice();
    after.set(noise(PAGE / 2, flush * PAGES + i), 0);
    return { page, before, after };
  });
}

function perSecond(work: (round: number) => void): number {
  const began = performance.now();
  let rounds = 0;
  while (performance.now() - began < SECONDS * 1000) for (let i = 0; i < 10; i++) work(rounds++);
  return rounds / ((performance.now() - began) / 1000);
}

function measureImages(recording: Recording, target: RecordingResult['target'], builder: ImageBuilder): RecordingResult {
  builder.apply('1:all');
  const sameWindow = perSecond((round) => builder.apply(round % 2 === 0 ? '1:none' : '1:all'));
  const nextWindow = perSecond((round) => builder.apply(`${1 + (round % FLUSHES)}:all`));
  if (recording.complete) return { target, sameWindow, nextWindow };
  throw new Error('the recording has no end');
}

/** Measures in `folder`. */
export function measureRecording(folder: string): RecordingCosts {
  const [path, image] = [join(folder, 'bench.vpmrec'), join(folder, 'image')];
  const writer = RecordingWriter.create(path, { size: SIZE });
  writer.base(fullBase());
  const times: number[] = [];
  for (let flush = 1; flush <= FLUSHES; flush++) {
    const pages = changes(flush);
    const began = performance.now();
    writer.flushAsked(flush);
    writer.pages('flush', pages);
    writer.flushAnswered(flush, 'ok');
    times.push(performance.now() - began);
  }
  writer.end();
  const opening = performance.now();
  const recording = Recording.open(path);
  const open = performance.now() - opening;
  const fd = openSync(image, 'w+');
  ftruncateSync(fd, SIZE);
  const file = measureImages(recording, 'file', new ImageBuilder(recording, new FileImage(fd, SIZE)));
  ftruncateSync(fd, 0);
  ftruncateSync(fd, SIZE);
  const mapping = Mapping.ofFile(fd, { length: SIZE });
  const mapped = measureImages(recording, 'mapping', new ImageBuilder(recording, new MappedImage(mapping)));
  mapping.unmap();
  if (fstatSync(fd).size !== SIZE) throw new Error('the image has another size');
  closeSync(fd);
  recording.close();
  for (const each of [path, image]) rmSync(each);
  return { results: [file, mapped], write: median(times), open };
}

/** A table in Markdown. */
export function recordingTable({ results, write, open }: RecordingCosts): string {
  const rows = results.map(({ target, sameWindow, nextWindow }) => `| ${target} | ${short(sameWindow)} | ${short(nextWindow)} |`);
  return [
    `| image of 256 MiB, full, in a | states of one flush, ${PAGES} pages apart, per second | of each flush in turn, ${PAGES} pages each, per second |`,
    '| --- | ---: | ---: |',
    ...rows,
    '',
    `A flush of ${PAGES} pages is written in ${short(write)} ms; a recording of ${FLUSHES} is opened in ${short(open)} ms.`,
  ].join('\n');
}
