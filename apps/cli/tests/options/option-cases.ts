import { DEVICE_CASES } from './device-cases.ts';
import { DEVICE_PROPERTY_CASES } from './device-property-cases.ts';
import { MEMORY_CASES } from './memory-cases.ts';
import { NVDIMM_CASES } from './nvdimm-cases.ts';
import { OBJECT_ADD_CASES } from './object-add-cases.ts';
import { OBJECT_CASES } from './object-cases.ts';
import { OBJECT_PROPERTY_CASES } from './object-property-cases.ts';
import type { OptionGroup } from './option-case.ts';

/** The memory backends that the devices of {@link OPTION_CASES} name. */
export const DEVICE_OBJECTS = [
  'memory-backend-file,id=mem1,share=on,mem-path=mem1.img,size=4M',
  'memory-backend-file,id=mem2,share=on,mem-path=mem2.img,size=4M',
  'memory-backend-ram,id=ram1,size=4M',
  'memory-backend-ram,id=small1,size=12K',
  'memory-backend-memfd,id=memfd1,size=4M',
  'memory-backend-file,id=small,share=on,mem-path=small.img,size=12K',
  'memory-backend-file,id=large,share=on,mem-path=large.img,size=2G',
  'memory-backend-file,id=private,mem-path=4M.img,size=4M',
  'memory-backend-file,id=readonly,readonly=on,mem-path=4M.img,size=4M',
  'memory-backend-file,id=aligned,share=on,mem-path=4M.img,size=4M,align=1G',
] as const;

/** `-m` of the machine they are plugged into: 1 GiB for memory devices. */
export const DEVICE_MEMORY = '512M,maxmem=1536M';

/** The same of a machine with nvdimm=on, where nvdimm devices have slots. */
export const NVDIMM_MEMORY = '512M,slots=2,maxmem=1536M';

/** Every option string, by the option or command it belongs to. */
export const OPTION_CASES: Readonly<Record<'-object' | 'object_add' | '-device' | '-device nvdimm' | '-m', readonly OptionGroup[]>> = {
  '-object': [...OBJECT_CASES, ...OBJECT_PROPERTY_CASES],
  object_add: OBJECT_ADD_CASES,
  '-device': [...DEVICE_CASES, ...DEVICE_PROPERTY_CASES],
  '-device nvdimm': NVDIMM_CASES,
  '-m': MEMORY_CASES,
};
