export { PMEM_ALIGNMENT, VirtioPmem, type PmemPlacement } from './pmem-device.ts';
export {
  VIRTIO_ID_PMEM,
  VIRTIO_PMEM_F_SHMEM_REGION,
  VIRTIO_PMEM_REQ_TYPE_FLUSH,
  VIRTIO_PMEM_SHMEM_REGION_ID,
  VirtioPmemConfig,
  VirtioPmemReq,
  VirtioPmemResp,
} from './pmem-layout.ts';
