// npx tsx tests/write-golden.ts: writes golden files anew. Only for a new version of the format; those of older versions stay.
import { writeFileSync } from 'node:fs';
import { VERSION } from '../src/file/file-header.ts';
import { sampleModel } from './sample.ts';

const folder = new URL('golden/', import.meta.url);
const whole = sampleModel();
whole.end();
writeFileSync(new URL(`whole-v${VERSION}.vpmrec`, folder), whole.bytes.bytes);
const incomplete = sampleModel();
incomplete.writer.incomplete('the disk is full');
writeFileSync(new URL(`incomplete-v${VERSION}.vpmrec`, folder), incomplete.bytes.bytes);
