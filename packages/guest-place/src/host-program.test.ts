import { execPath } from 'node:process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hostProgram, loaderOf } from './host-program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-program-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

it.each([
  ['#!/bin/sh -e\n', '/bin/sh'],
  ['#! /usr/bin/env python3\n', '/bin/python3'],
  ['#!/usr/bin/perl', '/usr/bin/perl'],
  ['echo plain\n', undefined],
])('takes a script as it is, and says what runs it: %j', (text, interpreter) => {
  const path = join(folder, 'script');
  writeFileSync(path, text);
  const [file, ...others] = hostProgram('/in/guest', path);
  expect([file?.path, file?.mode, String(file?.bytes), file?.interpreter, others]).toEqual(['/in/guest', '755', text, interpreter, []]);
});

it('takes a dynamic program with its loader and all libraries', () => {
  const loader = loaderOf(readFileSync(execPath));
  expect(loader).toMatch(/^\/lib.*\/ld/);
  const [script, program, ...libraries] = hostProgram("/a/node it's", execPath);
  expect(String(script?.bytes)).toContain(`exec /opt/host/${loader?.split('/').at(-1)} --library-path /opt/host --argv0 "$0" '/opt/host/bin/node it'\\''s' "$@"`);
  expect(program?.path).toBe("/opt/host/bin/node it's");
  expect(libraries.map(({ path }) => path)).toEqual(expect.arrayContaining([expect.stringMatching(/libc\./), `/opt/host/${loader?.split('/').at(-1)}`]));
});

it('takes what only begins as an ELF file for no program', () => {
  expect(loaderOf(Buffer.of(0x7f, 0x45, 0x4c, 0x46))).toBeUndefined();
  expect(loaderOf(Buffer.concat([Buffer.of(0x7f, 0x45, 0x4c, 0x46), Buffer.alloc(100, 0xff)]))).toBeUndefined();
});
