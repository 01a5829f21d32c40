import { getProperty, listProperties } from '../qom.ts';
import { optionalWord, word } from './argument.ts';
import { defineCommand } from './hmp-command.ts';
import { completePath } from './option-completion.ts';
import { showJson } from './show-qom.ts';

const qomList = defineCommand({
  names: ['qom-list'],
  params: 'path',
  help: 'list QOM properties',
  manual: 'Lists the properties of an object and the objects below it. Without a path it names the root.',
  example: ['qom-list /objects/mem1'],
  arguments: { path: optionalWord(completePath) },
  run: async ({ machine, print }, { path }) => {
    const lines = path === undefined ? ['/'] : (await listProperties(machine, path)).map(({ name, type }) => `${name} (${type})`);
    for (const line of lines) print(line);
  },
});

const qomGet = defineCommand({
  names: ['qom-get'],
  params: 'path property',
  help: 'print QOM property',
  manual: 'Shows the value of a property, as JSON.',
  example: ['qom-get /objects/mem1 size'],
  arguments: { path: word(completePath), property: word() },
  run: async ({ machine, print }, { path, property }) => print(showJson(await getProperty(machine, path, property))),
});

export const qomCommands = [qomList, qomGet];
