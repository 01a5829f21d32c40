// Opens a place, tells of its QEMU, and checks until it is killed.
import { programChecker } from '@vpmem/check-places';
import { GuestPlace } from '../src/index.ts';

const place = await GuestPlace.open({ size: 2 ** 24, checker: programChecker({ command: 'sleep 1000 #$1' }) });
process.stdout.write(`${place.pid}\n`);
await place.check({ state: '1', window: '1', marks: [], watch: [] });
