import { PMEM, PMEM_JSON, PMEM_OBJECT, alike, ours, refusedByBoth, refusedByUs, type LineGroup } from './command-line-case.ts';

const NO_MAXMEM = "Our device's memory lies in a BAR, not among the memory devices that `maxmem=` makes room for.";
const MIGRATION = 'What a device that is served holds is in no migration stream and no snapshot.';
const SHARED_RAM = 'A device outside QEMU sees guest memory only if it is shared, and the user says it must not be.';
const NV = (id: string, rest = ''): string => `-device virtio-pmem-pci,id=${id},memdev=${id}m${rest}`;
const MEM = (id: string): string => `-object memory-backend-file,id=${id}m,mem-path=${id}.img,size=4M,share=on`;

/** Whole command lines, in the shapes that managers write and people type. `pmem.img` is a file of 4M, `vm.cfg` and the like stand below. */
export const COMMAND_LINES: readonly LineGroup[] = [
  {
    title: 'As libvirt writes them',
    lines: [
      alike(`-name guest=db1,debug-threads=on -no-user-config -nodefaults -machine pc-q35-11.1,usb=off,dump-guest-core=off,memory-backend=pc.ram -cpu qemu64 -m size=131072k -object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":134217728}' -overcommit mem-lock=off -smp 2,sockets=2,cores=1,threads=1 -uuid c7a5fdbd-edaf-9455-926a-d65c16db1809 -display none -rtc base=utc -no-shutdown -boot strict=on -device '{"driver":"pcie-root-port","port":8,"chassis":1,"id":"pci.1","bus":"pcie.0","multifunction":true,"addr":"0x1"}' -device '{"driver":"virtio-balloon-pci","id":"balloon0","bus":"pci.1","addr":"0x0"}' -msg timestamp=on`),
      alike(`-name guest=db1 -no-user-config -nodefaults -machine pc-q35-11.1,memory-backend=pc.ram -m size=131072k,slots=16,maxmem=1048576k -object '{"qom-type":"memory-backend-memfd","id":"pc.ram","share":true,"size":134217728}' -object '{"qom-type":"memory-backend-file","id":"memvirtiopmem0","mem-path":"pmem.img","share":true,"size":4194304}' -device '{"driver":"virtio-pmem-pci","memdev":"memvirtiopmem0","id":"virtiopmem0","bus":"pcie.0","addr":"0x3"}' -display none -no-shutdown -boot strict=on -msg timestamp=on`),
      alike(`-name guest=db1 -nodefaults -machine pc,memory-backend=pc.ram -m size=131072k,slots=16,maxmem=1048576k -object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":134217728}' ${PMEM_JSON} -device '{"driver":"virtio-pmem-pci","memdev":"m","id":"virtiopmem0","memaddr":4294967296,"bus":"pci.0","addr":"0x5"}' -display none`, 'The RAM becomes shared; of `memaddr` vpmem says that the place is the guest\'s to choose.'),
      alike(`-nodefaults -machine pc,usb=off -m size=131072k -smp 2,sockets=2 -object '{"qom-type":"memory-backend-ram","id":"ram-node0","size":67108864}' -numa node,nodeid=0,cpus=0,memdev=ram-node0 -object '{"qom-type":"memory-backend-ram","id":"ram-node1","size":67108864}' -numa node,nodeid=1,cpus=1,memdev=ram-node1 -display none`),
      alike(`-nodefaults -machine pc -m size=131072k,slots=4,maxmem=1G -smp 2,sockets=2 -object '{"qom-type":"memory-backend-ram","id":"ram-node0","size":67108864}' -numa node,nodeid=0,cpus=0,memdev=ram-node0 -object '{"qom-type":"memory-backend-file","id":"ram-node1","mem-path":"folder","size":67108864,"prealloc":true}' -numa node,nodeid=1,cpus=1,memdev=ram-node1 ${PMEM} -display none`),
      alike(`-nodefaults -machine pc -m size=131072k,slots=4,maxmem=1G -object '{"qom-type":"memory-backend-ram","id":"memdimm0","size":134217728}' -device '{"driver":"pc-dimm","memdev":"memdimm0","id":"dimm0","slot":0}' ${PMEM} -display none`, 'The memory of the DIMM becomes shared too.'),
      alike(`-nodefaults -machine q35 -m size=131072k,maxmem=1G -object '{"qom-type":"memory-backend-ram","id":"memvirtiomem0","reserve":false,"size":134217728}' -device '{"driver":"virtio-mem-pci","block-size":2097152,"requested-size":0,"memdev":"memvirtiomem0","id":"virtiomem0","bus":"pcie.0","addr":"0x4"}' ${PMEM} -display none`),
      alike(`-nodefaults -machine pc,nvdimm=on -m size=131072k,slots=4,maxmem=1G -object '{"qom-type":"memory-backend-file","id":"memnvdimm0","mem-path":"nv.img","share":true,"size":4194304}' -device '{"driver":"nvdimm","memdev":"memnvdimm0","id":"nvdimm0","slot":0}' ${PMEM} -display none`),
      alike(`-nodefaults -machine pc -m 128 -blockdev '{"driver":"file","filename":"disk.img","node-name":"libvirt-1-storage","auto-read-only":true,"discard":"unmap"}' -blockdev '{"node-name":"libvirt-1-format","read-only":false,"driver":"raw","file":"libvirt-1-storage"}' -device '{"driver":"virtio-blk-pci","bus":"pci.0","addr":"0x4","drive":"libvirt-1-format","id":"virtio-disk0","bootindex":1}' -netdev '{"type":"user","id":"hostnet0"}' -device '{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"52:54:00:12:34:56","bus":"pci.0","addr":"0x3"}' -display none`),
      alike(`-nodefaults -machine q35 -m size=131072k,maxmem=1G -device '{"driver":"pcie-root-port","port":16,"chassis":1,"id":"pci.1","bus":"pcie.0","addr":"0x2"}' ${PMEM_JSON} -device '{"driver":"virtio-pmem-pci","memdev":"/objects/m","id":"v0","bus":"pci.1","addr":"0x0"}' -chardev pty,id=charserial0 -device '{"driver":"isa-serial","chardev":"charserial0","id":"serial0","index":0}' -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny -display none`),
    ],
  },
  {
    title: 'As Proxmox writes them',
    lines: [
      alike(`-id 100 -name 'web,debug-threads=on' -no-shutdown -smp '2,sockets=1,cores=2,maxcpus=2' -nodefaults -boot 'menu=on,strict=on,reboot-timeout=1000' -vnc none -cpu qemu64 -m 128`, undefined, '-id: invalid option'),
      alike(`-name 'web,debug-threads=on' -no-shutdown -smbios 'type=1,uuid=45e2c1a0-9d0b-4d25-8a4b-07b4e0f1a101' -smp '2,sockets=1,cores=2,maxcpus=2' -nodefaults -boot 'menu=on,strict=on,reboot-timeout=1000' -vnc none -cpu qemu64,+aes -m 128 -device 'pci-bridge,id=pci.1,chassis_nr=1,bus=pci.0,addr=0x1e' -device 'pci-bridge,id=pci.2,chassis_nr=2,bus=pci.0,addr=0x1f' -device 'piix3-usb-uhci,id=uhci,bus=pci.0,addr=0x1.0x2' -device 'usb-tablet,id=tablet,bus=uhci.0,port=1' -device 'virtio-balloon-pci,id=balloon0,bus=pci.0,addr=0x3,free-page-reporting=on' -iscsi 'initiator-name=iqn.1993-08.org.example:01:abc' -drive 'file=seed.iso,if=none,id=drive-ide2,media=cdrom,aio=io_uring' -device 'ide-cd,bus=ide.1,unit=0,drive=drive-ide2,id=ide2,bootindex=101' -device 'virtio-scsi-pci,id=scsihw0,bus=pci.0,addr=0x5' -drive 'file=disk.img,if=none,id=drive-scsi0,format=raw,cache=none,aio=native,detect-zeroes=on' -device 'scsi-hd,bus=scsihw0.0,channel=0,scsi-id=0,lun=0,drive=drive-scsi0,id=scsi0,bootindex=100' -netdev 'type=user,id=net0' -device 'virtio-net-pci,mac=BC:24:11:00:00:01,netdev=net0,bus=pci.0,addr=0x12,id=net0,rx_queue_size=1024,tx_queue_size=256' -machine 'type=pc'`),
      alike(`-name 'pm,debug-threads=on' -nodefaults -vnc none -smp '2,sockets=2,cores=1,maxcpus=2' -m 'size=128,slots=255,maxmem=1048576M' -object 'memory-backend-ram,id=ram-node0,size=64M' -numa 'node,nodeid=0,cpus=0,memdev=ram-node0' -object 'memory-backend-ram,id=ram-node1,size=64M' -numa 'node,nodeid=1,cpus=1,memdev=ram-node1' -machine 'type=pc+pve0'`, undefined, 'unsupported machine type'),
      alike(`-name 'pm,debug-threads=on' -nodefaults -vnc none -smp '2,sockets=2,cores=1,maxcpus=2' -m 'size=128,slots=255,maxmem=4096M' -object 'memory-backend-ram,id=ram-node0,size=64M' -numa 'node,nodeid=0,cpus=0,memdev=ram-node0' -object 'memory-backend-ram,id=ram-node1,size=64M' -numa 'node,nodeid=1,cpus=1,memdev=ram-node1' -machine 'type=pc' ${PMEM}`, 'Private RAM of every VM with NUMA becomes shared.'),
      alike(`-nodefaults -vnc none -m 'size=128,slots=255,maxmem=4096M' -object 'memory-backend-ram,id=ram-node0,size=128M' -numa 'node,nodeid=0,cpus=0,memdev=ram-node0' -object 'memory-backend-ram,id=mem-dimm0,size=512M' -device 'pc-dimm,id=dimm0,memdev=mem-dimm0,node=0' ${PMEM}`),
      alike(`-nodefaults -vnc none -m 128 -machine 'type=q35' -readconfig pve-q35.cfg -device 'virtio-rng-pci,bus=pci.0,addr=0x1d'`),
      alike(`-nodefaults -vnc none -m 'size=128,maxmem=1G' -machine 'type=q35' -readconfig pve-q35.cfg ${MEM('a')} ${NV('a', ',bus=pci.0,addr=0x4')}`),
      alike(`-nodefaults -vnc none -m 'size=128,slots=4,maxmem=1G' -object 'memory-backend-file,id=ram-node0,size=128M,mem-path=folder,share=on,prealloc=yes' -numa 'node,nodeid=0,cpus=0,memdev=ram-node0' ${PMEM}`),
    ],
  },
  {
    title: 'As Kata writes them',
    lines: [
      alike(`-name sandbox-1,debug-threads=on -uuid 1f5ba0b0-ec61-4a4e-aa4c-94b4ad2b7a8b -machine q35,nvdimm=on -cpu qemu64 -m 128M,slots=10,maxmem=1G -device pci-bridge,bus=pcie.0,id=pci-bridge-0,chassis_nr=1,shpc=off,addr=2,io-reserve=4k,mem-reserve=1m,pref64-reserve=1m -device virtio-serial-pci,disable-modern=true,id=serial0 -object memory-backend-file,id=mem0,mem-path=rootfs.img,size=4M,readonly=on -device nvdimm,id=nv0,memdev=mem0,unarmed=on -object rng-random,id=rng0,filename=/dev/urandom -device virtio-rng-pci,rng=rng0 -rtc base=utc,driftfix=slew,clock=host -global kvm-pit.lost_tick_policy=discard -vga none -no-user-config -nodefaults -nographic --no-reboot -object memory-backend-ram,id=dimm1,size=128M -numa node,memdev=dimm1 -smp 1,cores=1,threads=1,sockets=1,maxcpus=1`),
      alike(`-name sandbox-2 -machine q35 -m 128M,slots=10,maxmem=1G -vga none -no-user-config -nodefaults -nographic --no-reboot -object memory-backend-file,id=dimm1,size=128M,mem-path=folder,share=on -numa node,memdev=dimm1 -object memory-backend-file,id=mem0,mem-path=rootfs.img,size=4M,readonly=on,share=on -device virtio-pmem-pci,id=pmem0,memdev=mem0 -append 'root=/dev/pmem0p1 rootflags=dax,data=ordered rootfstype=ext4' -kernel bzImage`),
      alike(`-machine microvm,acpi=off -m 128M -nodefaults -no-user-config -nographic --no-reboot -kernel bzImage -append 'console=hvc0 reboot=k panic=1'`),
      refusedByBoth(`-machine microvm -m 128M,maxmem=1G -nodefaults -no-user-config -nographic ${PMEM}`, "No 'PCI' bus found", "No 'PCI' bus found", 'QEMU names its own device, and then ours.'),
      alike(`-machine microvm,pcie=on -m 128M -nodefaults -no-user-config -nographic ${PMEM}`),
      alike(`-machine q35,memory-backend=dimm1 -m 128M,maxmem=1G -nodefaults -display none -object memory-backend-memfd,id=dimm1,size=128M,share=on ${MEM('a')} ${NV('a')} ${MEM('b')} ${NV('b')}`),
    ],
  },
  {
    title: 'As OpenStack writes them',
    lines: [
      alike(`-name guest=instance-00000001,debug-threads=on -S -machine pc,usb=off,dump-guest-core=off,hpet=off -cpu qemu64 -m size=131072k -overcommit mem-lock=off -smp 1,sockets=1,dies=1,cores=1,threads=1 -uuid 73b1dd1c-b5ac-4b5e-bd3f-5b6a9d9d2a11 -smbios 'type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,version=30.0.0,family=Virtual Machine' -no-user-config -nodefaults -rtc base=utc,driftfix=slew -global kvm-pit.lost_tick_policy=delay -no-shutdown -boot strict=on -device '{"driver":"piix3-usb-uhci","id":"usb","bus":"pci.0","addr":"0x1.0x2"}' -device '{"driver":"usb-tablet","id":"input0","bus":"usb.0","port":"1"}' -display none -device '{"driver":"VGA","id":"video0","vgamem_mb":16,"bus":"pci.0","addr":"0x2"}' -msg timestamp=on`),
      alike(`-name guest=instance-00000002 -machine pc -m size=131072k,slots=8,maxmem=1048576k -object '{"qom-type":"memory-backend-memfd","id":"ram-node0","hugetlb":false,"prealloc":false,"share":true,"size":134217728}' -numa node,nodeid=0,cpus=0,memdev=ram-node0 -no-user-config -nodefaults -display none ${MEM('a')} ${NV('a')} -object rng-random,id=objrng0,filename=/dev/urandom -device virtio-rng-pci,rng=objrng0,id=rng0,max-bytes=1024,period=1000,bus=pci.0,addr=0x8`),
      alike(`-machine pc -m size=131072k -object '{"qom-type":"memory-backend-ram","id":"ram-node0","size":67108864}' -numa node,nodeid=0,cpus=0,memdev=ram-node0 -nodefaults -display none ${PMEM}`, undefined, 'should equal RAM size'),
    ],
  },
  {
    title: 'As Ganeti and scripts write them',
    lines: [
      alike(`-name vm1.example -m 128 -smp 1 -pidfile vm1.pid -device virtio-balloon -S -usb -usbdevice tablet -display none`),
      alike(`-name vm1.example -m 128 -smp 1 -pidfile vm1.pid -device virtio-balloon -boot c -usb -device usb-tablet -display none -vga none -drive file=disk.img,format=raw,if=none,id=hotdisk-1,cache=none,bus=0,unit=0 -device virtio-blk-pci,drive=hotdisk-1,id=hotdisk-1,bus=pci.0,addr=0x4 -netdev user,id=hotnic-1 -device virtio-net-pci,mac=aa:00:00:1b:2c:3d,netdev=hotnic-1,bus=pci.0,addr=0x5`),
      alike(`-m 128 -drive file=disk.img,if=virtio,format=raw -net nic,model=virtio -net user,hostfwd=tcp:127.0.0.1:0-:22 -display none`),
      alike(`-M pc -m 128,slots=2,maxmem=1G -drive file=disk.img,if=virtio,format=raw -nic user,model=virtio-net-pci -display none -pidfile vm.pid ${PMEM}`),
      alike(`-m 128M,maxmem=1G -smp 2 -drive file=disk.img,format=raw,index=0,media=disk -cdrom seed.iso -boot d -vga std -display none -snapshot ${PMEM}`),
      alike(`-m 128M,maxmem=1G -display none -run-with user=nobody ${PMEM}`),
      alike(`-m 128M,maxmem=1G -display none -only-migratable`),
      refusedByUs(`-m 128M,maxmem=1G -display none -only-migratable ${PMEM}`, '-only-migratable: ', MIGRATION),
      refusedByUs(`-m 128M,maxmem=1G -display none -incoming defer ${PMEM}`, '-incoming: ', MIGRATION),
      alike(`-m 128M -display none -incoming defer`),
    ],
  },
  {
    title: 'As manuals, blogs and tutorials write them',
    lines: [
      alike(`-machine pc -m 128M,slots=2,maxmem=1G -object memory-backend-file,id=mem1,share,mem-path=pmem.img,size=4M -device virtio-pmem-pci,memdev=mem1,id=nv1 -display none`),
      ours(`-machine pc -m 128M ${PMEM} -display none`, 'consider specifying the maxmem option', NO_MAXMEM),
      alike(`-machine pc,nvdimm=on -m 128M,slots=4,maxmem=1G -object memory-backend-file,id=mem1,share=on,mem-path=nv.img,size=4M -device nvdimm,id=nvdimm1,memdev=mem1 -display none`),
      alike(`disk.img -display none -m 128`),
      alike(`-hda disk.img -m 128 -nographic`),
      alike(`-m 128 -nographic -drive file=disk.img,format=raw,if=virtio -drive file=seed.iso,format=raw,if=virtio -device virtio-net-pci,netdev=net00 -netdev id=net00,type=user,hostfwd=tcp:127.0.0.1:0-:22`),
      alike(`-net nic -net user -machine accel=tcg -m 128 -nographic -hda disk.img -smbios type=1,serial=ds='nocloud;s=http://10.0.2.2:8000/'`),
      alike(`-accel tcg,thread=multi -cpu max -smp 2 -m 128M -drive if=none,file=disk.img,format=raw,id=hd0 -device nvme,serial=deadbeef,drive=hd0 -display none`),
      alike(`-M q35 -m 128M,maxmem=1G -device pcie-root-port,id=rp1,chassis=1 -object memory-backend-ram,id=m,size=4M,share=on -device virtio-pmem-pci,memdev=m,bus=rp1 -display none`),
      alike(`-M q35,usb=on --display none --m 128M --device qemu-xhci --device usb-kbd --kernel bzImage --append 'quiet, root=/dev/vda,x'`),
      alike(`-m 128M -serial mon:stdio -display none -virtfs local,path=folder,mount_tag=host0,security_model=none,id=host0`),
      alike(`-m 128M,maxmem=1G -object memory-backend-file,id=m,mem-path=with,,comma.img,size=4M,share=on -device virtio-pmem-pci,memdev=m -display none`),
      alike(`-m 128M,maxmem=1G -m 160M -M pc -M q35 ${PMEM} -display none -name a -name b`),
      alike(`-m 128M -mem-path folder -mem-prealloc -display none`),
      alike(`-m 128M,maxmem=1G -mem-path folder -mem-prealloc ${PMEM} -display none`),
      alike(`-machine memory.size=128M,memory.max-size=1G ${PMEM} -display none`),
      alike(`-M isapc -m 16M -display none -cpu qemu32`),
      refusedByBoth(`-M isapc -m 16M -display none -cpu qemu32 ${PMEM}`, "No 'PCI' bus found", "No 'PCI' bus found", 'QEMU names its own device, and then ours.'),
      alike(`-M none -display none`),
    ],
  },
  {
    title: '-readconfig, -set, -global',
    lines: [
      alike(`-nodefaults -display none -readconfig vm.cfg`),
      alike(`-nodefaults -display none -readconfig vm.cfg ${MEM('a')} ${NV('a')}`),
      alike(`-nodefaults -display none -readconfig vm.cfg -set device.nv1.addr=7 -set device.rng1.addr=8`),
      alike(`-nodefaults -display none -readconfig private.cfg -m maxmem=1G`),
      alike(`-nodefaults -display none -readconfig broken.cfg -m 128M,maxmem=1G ${PMEM}`, undefined, "There is no option group 'objekt'"),
      alike(`-nodefaults -display none -readconfig missing.cfg -m 128M,maxmem=1G ${PMEM}`, undefined, "Could not open 'missing.cfg'"),
      alike(`-nodefaults -display none -readconfig unquoted.cfg -m 128M,maxmem=1G`, undefined, 'unquoted.cfg'),
      alike(`-nodefaults -display none -m 128M,maxmem=1G ${MEM('a')} -device virtio-pmem-pci,memdev=am,id=a -set device.a.addr=9 -set device.a.event_idx=off`),
      alike(`-nodefaults -display none -m 128M,maxmem=1G -set device.a.addr=9 ${MEM('a')} -device virtio-pmem-pci,memdev=am,id=a`, undefined, 'there is no device "a" defined'),
      refusedByBoth(`-nodefaults -display none -m 128M,maxmem=1G ${MEM('a')} ${NV('a')} -set device.a.nonsense=1`, 'nonsense', 'nonsense'),
      alike(`-nodefaults -display none -m 128M,maxmem=1G ${MEM('a')} ${NV('a')} -set object.am.size=8M`, undefined, '-set is not supported with object'),
      alike(`-nodefaults -display none -m 128M,maxmem=1G ${PMEM} -global virtio-pmem-pci.packed=on -global driver=virtio-device,property=event_idx,value=off`),
      refusedByBoth(`-nodefaults -display none -m 128M,maxmem=1G ${PMEM} -global virtio-pmem-pci.nonsense=1`, "can't apply global virtio-pmem-pci.nonsense", '-global virtio-pmem-pci.nonsense=1'),
      alike(`-nodefaults -display none -m 128M -global virtio-net-pci.romfile= -device virtio-net-pci`),
      alike(`-display none -m 128M -writeconfig out.cfg`, undefined, '-writeconfig: invalid option'),
    ],
  },
  {
    title: 'With a mistake',
    lines: [
      alike(`-m 128M,maxmem=1G -display none -foo ${PMEM}`, undefined, '-foo: invalid option'),
      alike(`-m 1Q ${PMEM} -display none`, undefined, "Parameter 'size' expects a non-negative number"),
      alike(`-m 1G,maxmem=512M ${PMEM} -display none`, undefined, 'invalid value of maxmem'),
      alike(`-m 128M,maxmem=1G,slot=2 ${PMEM} -display none`, undefined, "Invalid parameter 'slot'"),
      alike(`-M pc-i440fx-0.1 -m 128M,maxmem=1G ${PMEM} -display none`, undefined, 'unsupported machine type'),
      alike(`-m 128M,maxmem=1G ${PMEM} -device virtio-nonsense-pci -display none`, undefined, 'is not a valid device model name'),
      alike(`-m 128M,maxmem=1G ${PMEM} -drive file=nowhere.img,if=virtio -display none`, undefined, 'No such file or directory'),
      alike(`-m 128M,maxmem=1G ${PMEM_OBJECT} -device virtio-pmem-pci,memdev=m,id=1a -display none`, undefined, "Parameter 'id' expects an identifier"),
      alike(`-m 128M,maxmem=1G ${PMEM_OBJECT} -device '{"driver":"virtio-pmem-pci","memdev":"m"' -display none`, undefined, 'JSON parse error'),
      refusedByBoth(`-m 128M,maxmem=1G -device virtio-pmem-pci,memdev=m -display none`, "Device 'm' not found", "there is no -object with id 'm'"),
      refusedByBoth(`-m 128M,maxmem=1G ${PMEM_OBJECT} -device virtio-pmem-pci,memdev=m -device virtio-pmem-pci,memdev=m -display none`, 'already busy', "a device before it has memory backend 'm'"),
      refusedByBoth(`-m 128M,maxmem=1G ${PMEM} -device virtio-rng-pci,id=nv -display none`, "Duplicate ID 'nv'", "Duplicate device ID 'nv'"),
      refusedByBoth(`-m 128M,maxmem=1G ${PMEM} -numa node -display none`, 'should equal RAM size', 'should equal RAM size'),
      refusedByUs(`-m 128M,maxmem=1G -machine memory-backend=r -object memory-backend-ram,id=r,size=128M,share=off ${PMEM} -display none`, "RAM backend 'r': it is private (share=off)", SHARED_RAM),
      alike(`-m 128M,maxmem=1G -mem-path nowhere/file ${PMEM} -display none`, undefined, "can't open backing store nowhere/file"),
      alike(`-m 128M,maxmem=1G -mem-path folder -machine memory-backend=r -object memory-backend-ram,id=r,size=128M ${PMEM} -display none`, undefined, "'-mem-path' can't be used together with"),
      alike(`-m 128M,maxmem=1G ${PMEM} -device`, undefined, 'requires an argument'),
    ],
  },
  {
    title: 'Requests for help',
    lines: [alike('-device virtio-pmem-pci,help'), alike('-object memory-backend-file,help'), alike(`-m 128M,maxmem=1G ${PMEM} -machine help`), alike(`-version ${PMEM}`)],
  },
];
