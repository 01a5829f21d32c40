export const OBJECTS = [
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
];
export const QEMU_DEVICE = ['-machine', 'pc', '-m', '512M,maxmem=1536M', ...OBJECTS.flatMap((t) => ['-object', t])];
