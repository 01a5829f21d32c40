import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from '@vpmem/monitor/testing';
import type { QemuMachine } from '@vpmem/qemu';
import { qmpCommands, type CommandDeclaration, type JsonObject } from '@vpmem/qmp';
import { QemuShell } from './qemu-shell.ts';
import { QmpDesk } from './qmp-desk.ts';

let machine: FakeMachine;
let shell: QemuShell;
let desk: QmpDesk;

beforeEach(async () => {
  machine = new FakeMachine();
  // What these commands ask of a machine, any machine has.
  const qemu = machine as unknown as QemuMachine;
  shell = new QemuShell(qemu, '11.1.0', new Set(), (error) => { throw error as Error; });
  desk = new QmpDesk(qemu, shell, new Set());
  await shell.run('object_add memory-backend-file,id=m1,mem-path=p,size=4M');
  await shell.run('device_add virtio-pmem-pci,id=nv1,memdev=m1');
});

describe('a human monitor', () => {
  it.each(['power_cut nv1', 'flush_fault nv1 none', 'flush_limit nv1 5', 'pmem_record nv1 begin,file=a', ' mark  a b', 'info  pmem'])('does not leave %j to QEMU', (line) => {
    expect(shell.takes(line)).toBe(true);
  });

  it.each(['marks', 'info mark', 'pmem_records', 'info status', 'stop'])('leaves %j to QEMU', (line) => {
    expect(shell.takes(line)).toBe(false);
  });

  it('records and marks', async () => {
    expect(await shell.run('pmem_record nv1 begin,file=a')).toBe('');
    expect(await shell.run('mark a b')).toBe('marked in 1 recording\n');
    expect(await shell.run('pmem_record nv1 end')).toBe("nv1: 3 flushes, 1 marks, 4096 bytes in 'a'\n");
    expect(await shell.complete('pmem_record nv1 act')).toEqual([['action='], 'act']);
  });
});

describe('a QMP monitor', () => {
  const ask = (command: string, args: JsonObject): Promise<unknown> => desk.answer(command, args);

  it('leaves no command to QEMU that QEMU lacks', () => {
    const ours = Object.entries<CommandDeclaration>(qmpCommands).flatMap(([name, declared]) => (declared.ours === true ? [name] : []));
    expect(ours).toEqual(expect.arrayContaining(['query-pmem', 'power-cut', 'pmem-record', 'pmem-mark']));
    for (const name of ours) expect(desk.concerns(name, {}), name).toBe(true);
    expect(desk.concerns('query-status', {})).toBe(false);
  });

  it('records and marks', async () => {
    expect(await ask('pmem-record', { id: 'nv1', action: 'begin', file: 'a' })).toEqual({});
    expect(await ask('pmem-mark', { text: 'x', id: 'nv1' })).toEqual({ recordings: 1 });
    expect(await ask('human-monitor-command', { 'command-line': 'mark y' })).toBe('marked in 1 recording\r\n');
    expect(await ask('pmem-record', { id: 'nv1', action: 'end' })).toEqual({ recording: { file: 'a', flushes: 3, marks: 2, bytes: 4096 } });
    await expect(ask('pmem-record', { id: 'nv1' })).rejects.toThrow("Parameter 'action' is missing");
    await expect(ask('pmem-mark', { text: 1 })).rejects.toThrow("Invalid parameter type for 'text', expected: string");
  });
});
