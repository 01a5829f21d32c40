import { defineCommand } from './hmp-command.ts';

const stop = defineCommand({
  names: ['stop', 's'],
  help: 'stop emulation',
  manual: "Stops the guest's processors. Refused where the VM is somebody else's.",
  arguments: {},
  run: ({ machine }) => machine.stop(),
});

const cont = defineCommand({
  names: ['cont', 'c'],
  help: 'resume emulation',
  manual: "Lets the guest's processors go on.",
  arguments: {},
  run: ({ machine }) => machine.cont(),
});

const systemReset = defineCommand({
  names: ['system_reset'],
  help: 'reset the system',
  manual: 'Resets guest and devices, as a reset button does. What is in persistent memory stays.',
  arguments: {},
  run: ({ machine }) => machine.reset(),
});

const quit = defineCommand({
  names: ['quit', 'q'],
  help: 'quit the emulator',
  manual: 'Ends the program in good order: what was flushed is durable, sockets are removed.',
  arguments: {},
  run: async ({ machine, leave }) => {
    await machine.quit();
    leave();
  },
});

export const runCommands = [stop, cont, systemReset, quit];
