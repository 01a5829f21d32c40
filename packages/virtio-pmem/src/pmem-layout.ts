import { le32, le64big, struct } from '@vpmem/layout';

/** VIRTIO 1.4 §5.19.1 */
export const VIRTIO_ID_PMEM = 27;

/** VIRTIO 1.4 §5.19.3: the range is a shared memory region. */
export const VIRTIO_PMEM_F_SHMEM_REGION = 1n << 0n;
/** VIRTIO 1.4 §5.19.5.1: its shmid. */
export const VIRTIO_PMEM_SHMEM_REGION_ID = 0;

/** VIRTIO 1.4 §5.19.4, struct virtio_pmem_config */
export const VirtioPmemConfig = struct('virtio_pmem_config', { start: le64big, size: le64big });

/** VIRTIO 1.4 §5.19.6, struct virtio_pmem_req */
export const VirtioPmemReq = struct('virtio_pmem_req', { type: le32 });
export const VIRTIO_PMEM_REQ_TYPE_FLUSH = 0;

/** VIRTIO 1.4 §5.19.7, struct virtio_pmem_resp */
export const VirtioPmemResp = struct('virtio_pmem_resp', { ret: le32 });
/** VIRTIO 1.4 §5.19.7.3: the values of `ret`. */
export const RET_SUCCESS = 0;
export const RET_FAILURE = 0xffff_ffff;
