import { z } from 'zod';
import { builtinName, isOptional, plainType, shapeOf, typeInfo, type BuiltinName } from './schema/qapi-type.ts';
import { qmpCommands, type CommandDeclaration } from './schema/qmp-commands.ts';
import { qmpDifferences, schemaDifferences } from './qmp-differences.ts';
import { qmpEvents, type EventDeclaration } from './schema/qmp-events.ts';

const BUILTINS: Readonly<Record<BuiltinName, string>> = { str: 'string', int: 'integer', bool: 'boolean', any: 'any' };
const GENERATED = '<!-- Written by packages/qmp/scripts/write-pages.ts; do not edit. -->';

/** The page of all commands, events and types, in Markdown. */
export function referencePage(): string {
  const types = new TypeSections();
  const commands = Object.entries<CommandDeclaration>(qmpCommands).map(([name, { doc, arguments: args, returns, allowOob, ours }]) => [
    `### ${name}`,
    [doc, ours === true ? 'QEMU has no such command.' : '', allowOob === true ? 'May be run out of band, with `exec-oob`.' : ''].filter(Boolean).join(' '),
    ...types.members('argument', args),
    `Returns: ${isEmpty(returns) ? 'nothing, as `{}`' : types.link(returns)}.`,
  ]);
  const events = Object.entries<EventDeclaration>(qmpEvents).map(([name, { doc, data, ours }]) => [
    `### ${name}`,
    [doc, ours === true ? 'QEMU has no such event.' : ''].filter(Boolean).join(' '),
    ...types.members('data', data),
  ]);
  return page([
    '# QMP reference',
    GENERATED,
    'What can be asked of our monitors, and what they tell. The protocol is QEMU\'s; where ours differs is in [qmp-differences.md](qmp-differences.md).',
    'Integers are exact up to 64 bits. An argument that may be absent has a `?`.',
    '## Commands',
    ...commands.flat(),
    '## Events',
    ...events.flat(),
    '## Types',
    ...types.sections(),
  ]);
}

/** The page of differences from QEMU, in Markdown. */
export function differencesPage(): string {
  return page([
    '# Where our QMP differs from QEMU\'s',
    GENERATED,
    'Everything else is compared with QEMU 11.1 by `packages/qmp/tests/qemu.guest.test.ts`, which also fails when one of these is no longer a difference.',
    '## On the wire',
    table(
      ['what', 'sent', 'QEMU answers', 'we answer', 'why'],
      qmpDifferences.map(({ what, send, qemu, vpmem, why }) => [what, code(send), qemu.map(code).join(' '), vpmem.map(code).join(' '), why]),
    ),
    '## In commands',
    table(['command', 'difference'], Object.entries(schemaDifferences).map(([name, why]) => [`[\`${name}\`](qmp-reference.md#${anchor(name)})`, why])),
    'Commands and events that QEMU lacks say so in the [reference](qmp-reference.md).',
    '## Towards clients that do not read',
    'QEMU keeps what it has to say until it is read. We keep 1 MiB; when events go beyond that, the connection is closed: a client that missed events could not know it, one that is closed connects and asks anew.',
  ]);
}

/** Types that pages refer to, in the order in which they are met. */
class TypeSections {
  readonly #met = new Set<z.core.$ZodType>();

  link(given: z.core.$ZodType): string {
    const type = plainType(given);
    const builtin = builtinName(type);
    if (builtin !== undefined) return BUILTINS[builtin];
    if (type instanceof z.ZodArray) return `list of ${this.link(type.element)}`;
    if (type instanceof z.ZodLiteral) return code(String(type.value));
    const { name } = infoOf(type);
    this.#met.add(type);
    return `[${name}](#${anchor(name)})`;
  }

  /** A table of an object's members; empty if it has none. */
  members(heading: string, given: z.core.$ZodType): string[] {
    const type = plainType(given);
    if (!(type instanceof z.ZodObject)) throw new TypeError('commands take objects, and events have them');
    const rows = Object.entries(shapeOf(type)).map(([name, member]) => [code(name) + (isOptional(member) ? '?' : ''), this.link(member), describe(member)]);
    if (type.def.catchall instanceof z.ZodCustom) rows.push(['…', 'any', 'properties of the type']);
    return rows.length === 0 ? [] : [table([heading, 'type', 'meaning'], rows)];
  }

  /** A section for every type met, and for those met on the way. */
  sections(): string[] {
    // A set goes on with what is added while it is gone through.
    const sections: string[] = [];
    for (const type of this.#met) {
      const { name, doc } = infoOf(type);
      sections.push(`### ${name}`, doc, ...this.#section(type));
    }
    return sections;
  }

  #section(type: z.core.$ZodType): string[] {
    if (type instanceof z.ZodEnum) return [`One of ${type.options.map((value) => code(String(value))).join(', ')}.`];
    if (!(type instanceof z.ZodDiscriminatedUnion)) return this.members('member', type);
    const { discriminator } = type.def;
    return [
      `One of these, as \`${discriminator}\` says:`,
      ...type.options.flatMap((option) => {
        if (!(option instanceof z.ZodObject)) throw new TypeError('a union is of objects');
        const { [discriminator]: tag = z.never(), ...rest } = shapeOf(option);
        return this.members(`${discriminator} ${this.link(tag)}`, z.object(rest));
      }),
    ];
  }
}

function infoOf(type: z.core.$ZodType): { readonly name: string; readonly doc: string } {
  const info = typeInfo.get(type);
  if (info === undefined) throw new TypeError(`a type of the schema has no name: ${type._zod.def.type}`);
  return info;
}

function describe(type: z.core.$ZodType): string {
  const own = z.globalRegistry.get(type)?.description;
  const inner = type instanceof z.ZodExactOptional ? z.globalRegistry.get(type.unwrap())?.description : undefined;
  return own ?? inner ?? '';
}

function isEmpty(type: z.core.$ZodType): boolean {
  return type instanceof z.ZodObject && Object.keys(type.shape).length === 0;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** As Markdown renderers make anchors of headings. */
function anchor(heading: string): string {
  return heading.toLowerCase().replaceAll(' ', '-');
}

function page(blocks: readonly string[]): string {
  return `${blocks.join('\n\n')}\n`;
}
