import { expect, it } from 'vitest';
import { checkForeignMemory } from './foreign-option.ts';

const check = (driver: string, memdev: string): void => checkForeignMemory({ form: 'text', properties: { driver, memdev } }, [{ id: 'mem1' }]);

it('a device of QEMU cannot have memory that was made here', () => {
  for (const memdev of ['mem1', '/objects/mem1']) {
    expect(() => check('nvdimm', memdev)).toThrow(
      `device type 'nvdimm' is QEMU's own, and QEMU knows nothing of memory backend '${memdev}', which was made here; give QEMU one of its own, with -object on its command line, or have an nvdimm in vpmem run`,
    );
  }
  check('nvdimm', 'ram');
  check('nvdimm', 'em1');
});
