import { both, hostDecides, neither, onlyQemu, onlyVpmem, type OptionGroup } from './option-case.ts';

const PAGE_CACHE = 'Warns for a file on a disk: its pages belong to the page cache.';
const PMEM = 'It promises durability without a flush; QEMU warns and goes on where it cannot keep that, we say so.';
const READONLY = 'QEMU drops what the guest writes; here it goes to a private copy, and a warning says so.';

/** `-object`: what each property takes. */
export const OBJECT_PROPERTY_CASES: readonly OptionGroup[] = [
  {
    title: 'align',
    cases: [
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=4K'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=2M'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=0'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=1', 'must be multiples of page size', 'bad-align'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=3K', 'must be multiples of page size', 'bad-align'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=12K', 'must be a power of two', 'bad-align'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=1G'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,align=2x', 'expects a size value', 'invalid-value'),
    ],
  },
  {
    title: 'prealloc and reserve',
    cases: [
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc=on'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc=off'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc=on,share=on'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc=on,prealloc-threads=2', 'Warns: one system call does it.'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc-threads=1'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc-threads=0', "doesn't take value", 'out-of-range'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc-threads=-1', 'expects a uint64 value', 'out-of-range'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc-threads=4294967296', 'expects uint32_t', 'out-of-range'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc-threads=4294967295'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc-threads=two', 'expects a uint64 value', 'invalid-value'),
      onlyVpmem('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc-context=tc1', 'not found', 'Warns: one system call does it, and no thread context is looked for.'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,reserve=on'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,reserve=off'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,reserve=off,share=on'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,prealloc=on,reserve=off', 'are incompatible', 'conflict'),
    ],
  },
  {
    title: 'merge and dump',
    cases: [
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,merge=on', 'Warns: memory that is shared is never merged, in QEMU either.'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,merge=off'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,merge=maybe', "expects 'on' or 'off'", 'invalid-value'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,dump=on', "Warns: core dumps are the VM's."),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,dump=off', "Warns: core dumps are the VM's."),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,nodump'),
    ],
  },
  {
    title: 'NUMA',
    cases: [
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=default'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=bind', 'must be set', 'conflict'),
      hostDecides('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=bind,host-nodes=0', PAGE_CACHE),
      hostDecides('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=preferred,host-nodes=0', PAGE_CACHE),
      hostDecides('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=interleave,host-nodes=0', PAGE_CACHE),
      hostDecides('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=bind,host-nodes=0-1', PAGE_CACHE),
      hostDecides('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=bind,host-nodes=0,host-nodes=1', PAGE_CACHE),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=bind,host-nodes=200', 'Invalid host-nodes', 'out-of-range'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,policy=nearest', 'does not accept value', 'invalid-value'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,host-nodes=0', 'explicitly specify a policy', 'conflict'),
    ],
  },
  {
    title: 'pmem, readonly, rom, discard-data, and one internal',
    cases: [
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,pmem=off'),
      onlyQemu('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,pmem=on', 'refused-parameter', PMEM),
      onlyQemu('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,pmem=on,share=on', 'refused-parameter', PMEM),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=on', READONLY),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=on,share=on', READONLY),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=off'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=maybe', "expects 'on' or 'off'", 'invalid-value'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,rom=auto'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,rom=off'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,rom=on', 'is not supported with', 'conflict'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,rom=yes', 'does not accept value', 'invalid-value'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=on,rom=off'),
      onlyQemu('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=on,rom=on', 'conflict', 'Memory that a guest cannot write to is not there; readonly=on,rom=off gives it a private copy.'),
      neither('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=on,share=on,rom=off', 'is incompatible with', 'conflict'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,readonly=on,share=on,rom=auto', READONLY),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,discard-data=on,share=on'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,discard-data=off'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,x-use-canonical-path-for-ramblock-id=on'),
      both('memory-backend-file,id=mem1,mem-path=4M.img,size=4M,x-use-canonical-path-for-ramblock-id=off'),
    ],
  },
];
