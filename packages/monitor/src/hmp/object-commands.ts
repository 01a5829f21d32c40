import { describeProperties, parseOption, type ParsedOption, type PropertySchema } from '@vpmem/options';
import { optionalWord, flag, rest, word } from './argument.ts';
import { defineCommand, type Invocation } from './hmp-command.ts';
import { completeDevice, completeObject, optionCompleter } from './option-completion.ts';

const objectAdd = defineCommand({
  names: ['object_add'],
  params: '[qom-type=]type,id=str[,prop=value][,...]',
  help: 'create QOM object',
  manual:
    'Makes an object, such as a memory backend, of the type and with the properties given. Sizes take the suffixes k, M, G, T, P and E; ' +
    'a comma in a value is written twice. Also one JSON object. `object_add help` lists the types, `object_add TYPE,help` the properties of one.\n\n' +
    'Unlike QEMU it takes a bare `share` for `share=on`, with a warning. When it fails, nothing has been made.',
  example: [
    'object_add memory-backend-file,id=mem2,share=on,mem-path=virtio_pmem2.img,size=4G',
    'object_add {"qom-type": "memory-backend-ram", "id": "mem3", "size": 1073741824}',
  ],
  arguments: { option: rest(optionCompleter(({ machine }) => machine.objectTypes, 'qom-type')) },
  run: async (invocation, { option }) => {
    const parsed = parseOption(option, { grammar: 'keyval', impliedKey: 'qom-type', help: true, bareFlags: true });
    if (await showForeignHelp(invocation, parsed, 'qom-type', invocation.machine.objectTypes, `object_add ${option}`)) return;
    if (showHelp(invocation, parsed, 'qom-type', invocation.machine.objectTypes, 'List of user creatable objects:')) return;
    await invocation.machine.addObject(parsed);
    showWarnings(invocation, parsed);
  },
});

const objectDel = defineCommand({
  names: ['object_del'],
  params: 'id',
  help: 'destroy QOM object',
  manual: 'Removes an object that no device uses. Its file stays.',
  example: ['object_del mem2'],
  arguments: { id: word(completeObject) },
  run: ({ machine }, { id }) => machine.deleteObject(id),
});

const deviceAdd = defineCommand({
  names: ['device_add'],
  params: 'driver[,prop=value][,...]',
  help: 'add device, like -device on the command line',
  manual:
    'Plugs in a device. `device_add help` lists the types, `device_add TYPE,help` the properties of one.\n\n' +
    "Where the VM is somebody else's, it shows what to give to that VM's own command line or monitor. When it fails, nothing has been plugged in.",
  example: ['device_add virtio-pmem-pci,id=virtio_pmem2,memdev=mem2'],
  arguments: { option: optionalWord(optionCompleter(({ machine }) => machine.deviceTypes, 'driver')) },
  run: async (invocation, { option = '' }) => {
    const { machine, print } = invocation;
    const parsed = parseOption(option, { grammar: 'qemuopts', impliedKey: 'driver', help: true });
    if (await showForeignHelp(invocation, parsed, 'driver', machine.deviceTypes, `device_add ${option}`)) return;
    if (showHelp(invocation, parsed, 'driver', machine.deviceTypes, 'List of devices:')) return;
    const { id, path, plug } = await machine.addDevice(parsed);
    showWarnings(invocation, parsed);
    if (plug === undefined) return;
    print(`${id ?? path} is ready. Give the VM, on its command line:`);
    print(`-device '${JSON.stringify(plug)}'`);
    print('or, at its QMP monitor:');
    print(JSON.stringify({ execute: 'device_add', arguments: plug }));
  },
});

const deviceDel = defineCommand({
  names: ['device_del'],
  params: '[-w] device',
  help: 'remove device (-w: as soon as the VM that has it lets go)',
  manual:
    'Asks for a device to be unplugged, by its id or QOM path, and returns at once; the guest may refuse. It ends with the QMP event ' +
    "DEVICE_DELETED or DEVICE_UNPLUG_GUEST_ERROR. A device that somebody else's VM has is refused; with `-w`, which QEMU does not have, it goes when the VM lets go of it.",
  example: ['device_del virtio_pmem2', 'device_del -w virtio_pmem2'],
  arguments: { wait: flag('w'), device: word(completeDevice) },
  run: ({ machine }, { wait, device }) => machine.deleteDevice(device, { wait }),
});

export const objectCommands = [objectAdd, objectDel, deviceAdd, deviceDel];

function showWarnings({ print }: Invocation, { warnings }: ParsedOption): void {
  for (const { message } of warnings) print(`warning: ${message}`);
}

/** Has a QEMU show what it can make, unless it is about a type of ours; false: nothing of the kind was asked for. */
async function showForeignHelp({ machine: { foreign }, print }: Invocation, { help, properties }: ParsedOption, key: string, types: Readonly<Record<string, PropertySchema>>, line: string): Promise<boolean> {
  const type = properties[key];
  if (!help || foreign === undefined || (typeof type === 'string' && Object.hasOwn(types, type))) return false;
  print((await foreign.humanCommand(line)).replaceAll('\r\n', '\n').trimEnd());
  return true;
}

/** Answers a request for help; whether there was one. */
function showHelp({ print }: Invocation, parsed: ParsedOption, implied: string, types: Readonly<Record<string, PropertySchema>>, title: string): boolean {
  if (!parsed.help) return false;
  const type = parsed.properties[implied];
  if (typeof type !== 'string') {
    print([title, ...Object.keys(types).sort().map((name) => `  ${name}`)].join('\n'));
    return true;
  }
  const schema = Object.hasOwn(types, type) ? types[type] : undefined;
  if (schema === undefined) print(`There is no type '${type}'; it has to be one of ${Object.keys(types).sort().join(', ')}.`);
  else print([`${type} options:`, ...describeProperties(schema)].join('\n'));
  return true;
}
