import { measureScrapes } from './scrapes.ts';
for (const n of [256]) console.log(await measureScrapes(n));
