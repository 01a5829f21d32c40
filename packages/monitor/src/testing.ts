export { FakeMachine } from './fake-machine.ts';
export { TextClient } from './text-client.ts';
