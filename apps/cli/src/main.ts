#!/usr/bin/env node
import { program } from './vpmem-program.ts';

await program.parseAsync();
