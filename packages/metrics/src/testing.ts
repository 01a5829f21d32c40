export { readExposition } from './exposition.ts';
export { sampleDevice } from './sample-device.ts';
