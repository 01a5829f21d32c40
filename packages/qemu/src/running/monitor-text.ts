// What only QEMU's HMP tells, read back from its print: buses with their devices, and address spaces.
import type { BusDeviceInfo, BusInfo, MemoryRegionInfo } from '@vpmem/machine';

/** A line and the lines that are indented below it. */
interface Block {
  readonly text: string;
  readonly below: readonly Block[];
}

/** The main bus of `info qtree`. Of a device's lines only its properties are kept. */
export function parseQtree(text: string): BusInfo {
  const [first] = blocks(text);
  return first === undefined ? { name: 'main-system-bus', type: 'System', devices: [] } : busInfo(first);
}

function busInfo({ text, below }: Block): BusInfo {
  return {
    name: text.replace(/^bus: /, ''),
    type: below.find((line) => line.text.startsWith('type '))?.text.slice('type '.length) ?? '',
    devices: below.filter((line) => line.text.startsWith('dev: ')).map(busDeviceInfo),
  };
}

function busDeviceInfo({ text, below }: Block): BusDeviceInfo {
  const [, type = '', id = ''] = /^dev: (.*), id "(.*)"$/.exec(text) ?? [];
  return {
    type,
    id: id === '' ? undefined : id,
    properties: below.flatMap((line) => {
      const [, name, value] = /^(\S+) = (.*)$/.exec(line.text) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
    buses: below.filter((line) => line.text.startsWith('bus: ')).map(busInfo),
  };
}

/** The address spaces of `info mtree`, `memory` first; one that is told of under several names is there once for each. */
export function parseMtree(text: string): { name: string; root: MemoryRegionInfo }[] {
  const spaces = text.split(/\r?\n\r?\n/).flatMap((part) => {
    const names = [...part.matchAll(/^address-space: (.*?)\r?$/gm)].map(([, name = '']) => name);
    const [root] = blocks(part.replace(/^address-space: .*$/gm, '')).flatMap(memoryRegionInfo);
    return root === undefined ? [] : names.map((name) => ({ name, root }));
  });
  return spaces.sort((a, b) => Number(b.name === 'memory') - Number(a.name === 'memory'));
}

const TYPES: Readonly<Record<string, MemoryRegionInfo['type']>> = { container: 'container', ram: 'ram', ramd: 'ram', rom: 'rom', romd: 'rom', nvram: 'ram' };

function memoryRegionInfo({ text, below }: Block): MemoryRegionInfo[] {
  const [, first, last, type = '', name] = /^([\da-f]{16})-([\da-f]{16}) \(prio -?\d+, ([^)]*)\): (.*)$/.exec(text) ?? [];
  if (first === undefined || last === undefined || name === undefined) return [];
  const start = BigInt(`0x${first}`);
  return [{ name, start, size: BigInt(`0x${last}`) - start + 1n, type: TYPES[type] ?? 'i/o', children: below.flatMap(memoryRegionInfo) }];
}

function blocks(text: string): Block[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  let next = 0;
  const indent = (line: string): number => line.length - line.trimStart().length;
  const read = (outer: number): Block[] => {
    const found: Block[] = [];
    for (let line = lines[next]; line !== undefined && indent(line) > outer; line = lines[next]) {
      next++;
      found.push({ text: line.trim(), below: read(indent(line)) });
    }
    return found;
  };
  return read(-1);
}
