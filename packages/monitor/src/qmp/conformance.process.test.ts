import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { qmpCases, vpmemPeer } from '@vpmem/qmp/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeMachine } from '../fake-machine.ts';
import { NO_MONITORS, planMonitors } from '../monitor-plan.ts';
import { Monitors } from '../monitors.ts';

const folder = mkdtempSync(join(tmpdir(), 'vpmem-conformance-'));
const machine = new FakeMachine();
const internalErrors: unknown[] = [];
let monitors: Monitors;

const request = { execute: 'object-add', arguments: { 'qom-type': 'memory-backend-file', id: 'slow', 'mem-path': 'p', size: 4096 } };
const peer = vpmemPeer(folder, request, (until) => void (machine.gate = until));

beforeAll(async () => {
  // The cases know a machine without a name.
  machine.name = undefined;
  const unix = (name: string): string => `unix:${join(folder, name)},server=on,wait=off`;
  const plan = planMonitors({ ...NO_MONITORS, qmp: [unix('first'), unix('second')], qmpPretty: [unix('pretty')] });
  monitors = await Monitors.open(plan, machine, { program: 'p', version: 'v', warn: () => undefined, internalError: (error) => internalErrors.push(error) });
});
afterAll(async () => {
  await monitors.close();
  rmSync(folder, { recursive: true });
});

describe('a QMP monitor', () => {
  it.each(qmpCases)('$name', async ({ run }) => {
    await run(peer);
    expect(internalErrors).toEqual([]);
  });
});
