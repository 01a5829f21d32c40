import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { quote } from '@vpmem/check-places';
import { ExploreError } from '@vpmem/explorer';
import type { GuestFile } from './checking-guest.ts';

/** ELF-64, elf(5): where a file says where its program headers are, and where one says what it is for. */
const ELF = { magic: Buffer.of(0x7f, 0x45, 0x4c, 0x46), headers: 32, headerBytes: 54, headerCount: 56 } as const;
const HEADER = { type: 0, offset: 8, bytes: 32 } as const;
const PT_INTERP = 3;
/** Where a program of the host lies in the guest with its libraries, apart from the guest's own, which may be of another age. */
const FOLDER = '/opt/host';

/**
 * A program of this host as files of a guest, to be run there as `path`: itself; of a dynamic one a script, with its loader and its libraries.
 *
 * @throws ExploreError where it cannot be read
 */
export function hostProgram(path: string, from: string): GuestFile[] {
  const bytes = readHostFile(from);
  const loader = loaderOf(bytes);
  if (loader === undefined) return [{ path, mode: '755', bytes, ...interpreterOf(bytes) }];
  const libraries = librariesOf(loader, from);
  const inGuest = `${FOLDER}/bin/${basename(path)}`;
  const script = `#!/bin/sh\nexec ${FOLDER}/${basename(loader)} --library-path ${FOLDER} --argv0 "$0" ${quote(inGuest)} "$@"\n`;
  return [
    { path, mode: '755', bytes: Buffer.from(script) },
    { path: inGuest, mode: '755', bytes },
    ...[...libraries, [basename(loader), loader] as const].map(([name, library]) => ({ path: `${FOLDER}/${name}`, mode: '755', bytes: readHostFile(library) })),
  ];
}

/** The loader that a dynamic program asks for; undefined for a static one, and for what is none. */
export function loaderOf(bytes: Buffer): string | undefined {
  if (bytes.length < 64 || !bytes.subarray(0, 4).equals(ELF.magic)) return undefined;
  const [start, each, count] = [Number(bytes.readBigUInt64LE(ELF.headers)), bytes.readUInt16LE(ELF.headerBytes), bytes.readUInt16LE(ELF.headerCount)];
  for (let i = 0, at = start; i < count && at + each <= bytes.length; i++, at += each) {
    if (bytes.readUInt32LE(at + HEADER.type) !== PT_INTERP) continue;
    const from = Number(bytes.readBigUInt64LE(at + HEADER.offset));
    return bytes.toString('utf8', from, from + Number(bytes.readBigUInt64LE(at + HEADER.bytes))).replace(/\0.*/s, '');
  }
  return undefined;
}

/** What a script's first line says it is run by. */
function interpreterOf(bytes: Buffer): Pick<GuestFile, 'interpreter'> {
  const [, program, argument] = /^#! *(\S+)(?:[ \t]+(\S+))?/.exec(bytes.toString('latin1', 0, 256)) ?? [];
  if (program === undefined) return {};
  return { interpreter: basename(program) === 'env' && argument !== undefined ? `/bin/${argument}` : program };
}

function librariesOf(loader: string, path: string): [name: string, from: string][] {
  let list: string;
  try {
    list = execFileSync(loader, ['--list', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new ExploreError(`program ${path}: its libraries cannot be found: ${(error as Error).message.split('\n').at(-1) ?? ''}`);
  }
  return [...list.matchAll(/^\s*(\S+) => (\S+) \(/gm)].map(([, name = '', from = '']) => [basename(name), from]);
}

/** @throws ExploreError where it cannot be read */
export function readHostFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ExploreError(`file ${path} cannot be put into the guest: ${(error as Error).message}`);
  }
}
