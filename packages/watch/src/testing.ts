export { fakeDevice, type FakeFlushes } from './fake-device.ts';
export { FakeProgram, type FakeProgramOptions } from './fake-program.ts';
