import { readFileSync, readSync, mkdtempSync, openSync } from 'node:fs';
import { openBackend } from '@vpmem/memory-backend';
import { Mapping } from '@vpmem/native';
import { SimulatedMedium } from './src/simulated-medium.ts';
const SIZE = 4<<20, N=64;
const folder = mkdtempSync('/tmp/stress-');
const nobody = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
const backend = await openBackend({ type: 'memory-backend-file', id: 'm', memPath: folder+'/d', size: SIZE, share: true, powerFailure: true, pageTracker: 'uffd' });
const medium = new SimulatedMedium(backend, nobody);
let mapping = Mapping.ofFile(backend.fd, { length: SIZE });
medium.client('came', process.pid);
const fd = openSync(folder+'/d','r');
let view = new Uint32Array(mapping.window(0, SIZE));
let counter=0, flushes=0; const end=Date.now()+Number(process.argv[2])*1000;
const wanted = new Uint32Array(N);
const one = Buffer.alloc(4);
while (Date.now()<end) {
  const k = Math.random()*8|0;
  const touched: number[] = [];
  for (let i=0;i<k;i++){ const p=Math.random()*N|0; view[p*1024+ (Math.random()*1024|0)] = ++counter; view[p*1024]=++counter; wanted[p]=counter; touched.push(p);}
  const asked = wanted.slice();
  const done = new Promise<unknown>(r=>medium.start(r));
  // stores while it runs
  const spin = Math.random()*3000|0;
  for (let i=0;i<spin;i++){ const p=Math.random()*N|0; view[p*1024]=++counter; wanted[p]=counter;}
  const e = await done; if (e) throw e;
  flushes++;
  for (let p=0;p<N;p++){ readSync(fd, one,0,4,p*4096); const v=one.readUInt32LE(0); if (v<asked[p]!) { console.log('VIOLATION flush',flushes,'page',p,'file',v,'asked',asked[p],'mem',view[p*1024], medium.status); process.exit(1);} }
  if (Math.random()<0.01) { mapping.unmap(); mapping = Mapping.ofFile(backend.fd, { length: SIZE }); view = new Uint32Array(mapping.window(0, SIZE)); if (Math.random()<0.5) { medium.client('left', process.pid); medium.client('came', process.pid);} }
}
console.log('ok', flushes, medium.status);
process.exit(0);
