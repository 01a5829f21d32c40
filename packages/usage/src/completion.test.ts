import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineProperties, property } from '@vpmem/options';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Surroundings } from './candidate.ts';
import type { ArgumentUsage, CommandUsage, WordValue } from './command-usage.ts';
import { complete } from './completion.ts';

const argument = (name: string, value: WordValue, many = false): ArgumentUsage => ({ name, required: true, many, description: '', value });
const leaf = (name: string, rest: Partial<CommandUsage> = {}): CommandUsage => ({ name, description: `does ${name}`, options: [], arguments: [], commands: [], ...rest });

const types = {
  file: defineProperties({
    'qom-type': property.string(),
    id: property.identifier(),
    'mem-path': property.path(),
    share: property.bool({ description: 'guest writes reach the file' }),
    rom: property.oneOf(['auto', 'on', 'off']),
    merge: property.noEffect(property.bool(), { because: 'of that' }),
    gone: property.refused('of this'),
  }),
  disk: defineProperties({ memdev: property.string() }),
};
const serve = leaf('serve', {
  options: [
    { words: ['-object'], argument: { name: 'TYPE', value: { kind: 'properties', types } }, description: 'makes an object' },
    { words: ['-msg'], argument: { name: 'P', value: { kind: 'properties', types: { '': defineProperties({ level: property.oneOf(['info', 'error']) }) } } }, description: 'messages' },
    { words: ['-keep'], description: 'starts again' },
  ],
});
const program = leaf('prog', {
  commands: [
    leaf('upgrade', { arguments: [argument('name', { kind: 'program' })] }),
    leaf('look', {
      options: [
        { words: ['-o', '--output'], argument: { name: 'file', value: { kind: 'file' } }, description: 'where to' },
        { words: ['--where'], argument: { name: 'place', value: { kind: 'words', words: ['here', 'there', 'unix:'] } }, description: 'at' },
        { words: ['--json'], description: 'for programs' },
      ],
      arguments: [argument('file', { kind: 'file' }, true)],
    }),
    leaf('serve', { arguments: [argument('args', { kind: 'command', command: serve })] }),
    leaf('wrap', { options: [{ words: ['--print'], description: 'shows it' }], arguments: [argument('args', { kind: 'command', command: serve })] }),
  ],
});

let here: Surroundings;
beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-'));
  mkdirSync(join(folder, 'disks/old'), { recursive: true });
  for (const name of ['disks/a.img', 'disks/.hidden', 'a b.img']) writeFileSync(join(folder, name), '');
  here = { programs: () => [{ name: 'vm1', description: 'vpmemd, process 41' }, { name: '42', description: '' }], folder, home: join(folder, 'disks') };
});
afterAll(() => rmSync(here.folder, { recursive: true }));

const words = (...typed: string[]): string[] => complete(program, typed, here).map(({ word }) => word);

describe('a word is completed', () => {
  it.each<[what: string, typed: string[], becomes: string[]]>([
    ['that is a command', ['u'], ['upgrade']],
    ['that is nothing yet', [''], ['upgrade', 'look', 'serve', 'wrap']],
    ['that names a program that runs', ['upgrade', ''], ['vm1', '42']],
    ['after the last argument: nothing', ['upgrade', 'vm1', ''], []],
    ['that is an option', ['look', '--'], ['--output', '--where', '--json']],
    ['that is the value of an option', ['look', '--where', 'he'], ['here']],
    ['that is option and value in one', ['look', '--where=t'], ['--where=there']],
    ['after an option that takes nothing', ['look', '--json', 'di'], ['disks/']],
    ['that is a file, again and again', ['look', 'x', 'disks/'], ['disks/a.img', 'disks/old/']],
    ['that is a file with a dot', ['look', 'disks/.'], ['disks/.hidden']],
    ['that is a file in the home', ['look', '~/a'], ['~/a.img']],
    ['that is in a folder which is not there', ['look', 'nowhere/'], []],
    ['that belongs to another command line', ['serve', '-ke'], ['-keep']],
    ['also behind its first word', ['serve', '-keep', '-o'], ['-object']],
    ['and only after -- where the outer one has options', ['wrap', '-'], ['--print']],
    ['as said', ['wrap', '--', '-'], ['-object', '-msg', '-keep']],
  ])('%s', (_, typed, becomes) => {
    expect(words(...typed)).toEqual(becomes);
  });

  it.each<[what: string, typed: string, becomes: string[]]>([
    ['a type', 'f', ['file,']],
    ['properties that do something, and no other', 'file,', ['file,id=', 'file,mem-path=', 'file,share=', 'file,rom=']],
    ['properties that were not given', 'file,share=on,', ['file,share=on,id=', 'file,share=on,mem-path=', 'file,share=on,rom=']],
    ['a switch', 'file,share=o', ['file,share=on', 'file,share=off']],
    ['a choice', 'file,rom=a', ['file,rom=auto']],
    ['a path', 'file,mem-path=disks/a', ['file,mem-path=disks/a.img']],
    ['a type that is written out', 'qom-type=file,i', ['qom-type=file,id=']],
    ['nothing of an unknown type', 'nonsense,', []],
    ['nothing of an unknown property', 'file,nonsense=', []],
  ])('as TYPE,PROPERTY=VALUE: %s', (_, typed, becomes) => {
    expect(words('serve', '-object', typed)).toEqual(becomes);
  });

  it('as the id that another option has given', () => {
    expect(words('serve', '-object', 'file,id=mem1', '--object', 'file,id=mem2,share=on', '-object', 'disk,memdev=')).toEqual(['disk,memdev=mem1', 'disk,memdev=mem2']);
  });

  it('as a property where there is no type', () => {
    expect(words('serve', '-msg', 'le')).toEqual(['level=']);
  });

  it('and says what it is, and whether it goes on', () => {
    expect(complete(program, ['serve', '--object', 'file,sh'], here)).toEqual([{ word: 'file,share=', description: 'guest writes reach the file', open: true }]);
    expect(complete(program, ['look', '--where', 'u'], here)).toEqual([{ word: 'unix:', description: '', open: true }]);
  });
});
