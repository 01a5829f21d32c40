import { readFileSync } from 'node:fs';
import { requireTestbed } from '/work/main/testbed/src/index.ts';
import { askQemu } from '/work/main/packages/machine/tests/asked-qemu.ts';
import { askVpmem } from '/work/main/packages/machine/tests/asked-vpmem.ts';
import { ScratchFolder } from '/work/main/packages/machine/tests/scratch-files.ts';
import { OBJECTS, QEMU_DEVICE } from '/work/main/packages/machine/tests/probe-setup.ts';
const { testbed } = await requireTestbed();
const [kind, file] = process.argv.slice(2);
const a = new ScratchFolder();
process.chdir(a.path);
for (const text of readFileSync(file!, 'utf8').split('\n')) {
  if (text === '' || text.startsWith('#')) continue;
  a.reset();
  const parts = text.split(' ;; ');
  const show = async (f: () => Promise<any>) => { try { const v = await f(); return typeof v === 'string' ? v : 'NO ' + v.refused.trim().replaceAll(/qemu-system-x86_64: (-\w+ [^:]*: )?/g, ''); } catch (e) { return 'CRASH ' + (e as Error).message; } };
  let q, v;
  const base = [...testbed!.qemuCommand, '-S', '-display', 'none', '-nodefaults'];
  if (kind === 'object') {
    q = await show(() => askQemu([...base, '-machine', 'none', ...parts.flatMap((p) => ['-object', p])], a.path));
    a.reset();
    v = await show(() => askVpmem(parts.map((text) => ({ kind: 'object', text }))));
  } else if (kind === 'device') {
    q = await show(() => askQemu([...base, ...QEMU_DEVICE, ...parts.flatMap((p) => ['-device', p])], a.path));
    a.reset();
    v = await show(() => askVpmem([...OBJECTS.map((text) => ({ kind: 'object' as const, text })), ...parts.map((text) => ({ kind: 'device' as const, text }))]));
  } else {
    q = await show(() => askQemu([...base, '-machine', 'q35', ...(text.startsWith('-') ? text.split(' ') : ['-m', text])], a.path));
    v = '';
  }
  console.log(`${q === v ? '  ' : (q.slice(0,2) === 'NO') === (v!.slice(0,2) === 'NO') ? '  ' : '* '}${text}\n      Q ${q}\n      V ${v}`);
}
a.remove();
