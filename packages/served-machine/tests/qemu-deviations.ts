const NO_WRITE = 'a used descriptor of a packed queue says nothing of the bytes written: WRITE is never set';
const ONE = 'one request is served for each notification';
const FIRST = 'the first buffer after DRIVER_OK is announced, whatever the driver asked for';

/** What QEMU 11.1.3's own virtio-pmem-pci does otherwise than VIRTIO 1.4 asks, or than we do, by the name of the case that shows it. */
export const QEMU_DEVIATIONS: Readonly<Record<string, string>> = {
  'PKD-D7 PCOM-15 with RING_PACKED any size will do, without only powers of two': 'a split queue takes any size, not only powers of two',
  'PGEN-D1 CFGS-D1 reads of a byte show the register little-endian': 'the upper bytes of a register read 0 one by one; drivers may not read them so (PGEN-13)',
  'PCOM-D4 registers of features that were not negotiated are not there': 'queue_reset works without being negotiated',
  'STAT-05 STAT-06 INIT-D2 no buffer is taken and nothing announced before DRIVER_OK': 'a notification before DRIVER_OK raises an interrupt',
  'FEAT-11 RFB-15 a set that is not valid leaves FEATURES_OK clear, and another can be tried': 'a set without VERSION_1 is agreed to, as it may be (RFB-15)',
  'FEAT-D2 what was agreed stays until a reset': 'driver_feature reads back what was written after FEATURES_OK, though it does not count',
  'AMB-21 PMSX-09 PCOM-09 a reset gives every register its first value': 'the selectors keep their values over a device reset',
  'SEVT-23 DNOT-D5 PKD-12 AMB-25 notifications that announce nothing change nothing, whatever the ring': NO_WRITE,
  'SPL-02 PKD-19 PKD-D4 a request is served however it is cut into descriptors of a packed queue': NO_WRITE,
  'SPL-D3 SPL-D4 all requests of one notification are served': ONE,
  'PKD-02 PKD-D3 all requests of one notification of a packed queue are served': ONE,
  'PKD-05 PKD-08 PEVT-D3 writes its answer and its part of a packed queue, and nothing else': NO_WRITE,
  'PKD-D1 PKD-D2 PKD-D7 goes round a packed ring with any size': NO_WRITE,
  'PIND-D1 serves a request in an indirect table of a packed queue': NO_WRITE,
  'PIND-D2 WRITE on the descriptor of an indirect table of a packed queue means nothing': NO_WRITE,
  'SIND-07 serves a chain of plain descriptors that ends in an indirect one': 'a chain of plain descriptors that ends in an indirect one is not served',
  'PEVT-D1 PEVT-D4 without EVENT_IDX announces unless the driver\'s structure forbids it': NO_WRITE,
  'SEVT-09 SEVT-10 SEVT-11 SEVT-21 SEVT-D1 with EVENT_IDX announces the entry the driver named, whatever its flag says': FIRST,
  'PEVT-D2 with EVENT_IDX announces the slot the driver named': FIRST,
  'RFB-18 SPL-D5 SPL-D6 with IN_ORDER requests are used in the order of being made available': ONE,
  'RFB-18 PKD-D8 with IN_ORDER requests of a packed queue are used in the order of being made available': ONE,
  'VQR-03 VQR-06 PCOM-09 PCOM-10 a queue that was reset has its first values, and can be enabled again, elsewhere, smaller': 'the addresses of a queue survive its reset',
  'a driver that enables its queue after DRIVER_OK is served: requests of a packed queue': NO_WRITE,
  'a queue that is enabled after DRIVER_OK, reset and enabled again is served: requests of a packed queue': NO_WRITE,
  'VQR-03 VQR-06 a packed queue begins at its first slot again, with the first wrap counter': NO_WRITE,
};

