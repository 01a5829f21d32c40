export { CommonConfig, VIRTIO_MSI_NO_VECTOR, VirtioPciCommonCfg } from './common-config.ts';
export {
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VirtioPciCap,
  VirtioPciCap64,
  VirtioPciCfgCap,
  VirtioPciNotifyCap,
} from './virtio-pci-capabilities.ts';
export { DRIVER_ERROR_CHANNEL, VirtioPciFunction, type DriverErrorMessage, type VirtioPciOptions } from './virtio-pci-function.ts';
export type { CommonConfigState, VirtioPciState } from './virtio-pci-state.ts';
