import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The inputs a file keeps, the shortest first: one a line, in base64. None if there is no such file. */
export function readCorpus(file: string): Uint8Array[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => Buffer.from(line === '-' ? '' : line, 'base64'));
}

/** Writes them, in an order that does not depend on theirs. */
export function writeCorpus(file: string, inputs: readonly Uint8Array[]): void {
  const lines = new Set(inputs.map((input) => Buffer.from(input).toString('base64') || '-'));
  const sorted = [...lines].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, sorted.map((line) => `${line}\n`).join(''));
}
