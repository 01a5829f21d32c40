import { container, findObject, type ObjectNode, type ObjectProperty } from '@vpmem/machine';
import { ask, type QemuMonitor } from './qemu-monitor.ts';

const FOLDERS = ['/objects', '/machine/peripheral', '/machine/peripheral-anon'] as const;

type Children = Readonly<Record<string, ObjectNode>>;

/**
 * The objects and devices that somebody made: QEMU's with what it says of them, ours among them with what we know beside.
 * The rest of QEMU's tree, hundreds of parts of the machine, is left to its own `qom-list`.
 */
export async function qemuTree(qemu: QemuMonitor, ours: ObjectNode): Promise<ObjectNode> {
  const [machine, ...folders] = await readObjects(qemu, ['/machine', ...FOLDERS]);
  const [objects = {}, peripheral = {}, anonymous = {}] = await Promise.all(
    FOLDERS.map((path, i) => readChildren(qemu, path, folders[i], findObject(ours, path)?.children ?? {})),
  );
  const inMachine = { peripheral: container(peripheral), 'peripheral-anon': container(anonymous) };
  const type = machine?.properties.type?.value;
  return container({ objects: container(objects), machine: { type: typeof type === 'string' ? type : 'machine', properties: machine?.properties ?? {}, children: inMachine } });
}

async function readChildren(qemu: QemuMonitor, path: string, folder: Listed | undefined, ours: Children): Promise<Children> {
  const names = folder?.children ?? [];
  const found = await readObjects(qemu, names.map(({ name }) => `${path}/${name}`));
  const theirs = names.map(({ name, type }, i): [string, ObjectNode] => {
    const own = ours[name];
    return [name, { type, properties: { ...own?.properties, ...found[i]?.properties }, children: own?.children ?? {} }];
  });
  return { ...ours, ...Object.fromEntries(theirs) };
}

interface Listed {
  readonly properties: Readonly<Record<string, ObjectProperty>>;
  readonly children: readonly { readonly name: string; readonly type: string }[];
}

interface QomProperty {
  readonly name: string;
  readonly type: string;
  readonly value?: unknown;
}

async function readObjects(qemu: QemuMonitor, paths: readonly string[]): Promise<Listed[]> {
  if (paths.length === 0) return [];
  const answers = await ask<readonly { readonly properties: readonly QomProperty[] }[]>(qemu, 'qom-list-get', { paths });
  return answers.map(({ properties }) => {
    const child = (type: string): string | undefined => /^child<(.*)>$/.exec(type)?.[1];
    return {
      properties: Object.fromEntries(properties.filter(({ type }) => child(type) === undefined).map(({ name, type, value }) => [name, { type, value }])),
      children: properties.flatMap(({ name, type }) => (child(type) === undefined ? [] : [{ name, type: child(type) ?? '' }])),
    };
  });
}
