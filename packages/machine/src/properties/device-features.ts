import { defineProperties, property, type ValuesOf } from '@vpmem/options';
import type { QueueFeatures } from '@vpmem/virtio';
import type { ObjectProperty } from '../object-tree.ts';

/** Features of a device's queue that it may offer, by QEMU's names and with its defaults; QEMU has no names for the last four. */
export const featureProperties = defineProperties({
  event_idx: property.bool({ default: true, description: 'offer VIRTIO_F_EVENT_IDX' }),
  indirect_desc: property.bool({ default: true, description: 'offer VIRTIO_F_INDIRECT_DESC' }),
  queue_reset: property.bool({ default: true, description: 'offer VIRTIO_F_RING_RESET' }),
  packed: property.bool({ default: false, description: 'offer VIRTIO_F_RING_PACKED' }),
  in_order: property.bool({ default: false, description: 'offer VIRTIO_F_IN_ORDER' }),
  iommu_platform: property.bool({ default: false, description: 'offer VIRTIO_F_ACCESS_PLATFORM' }),
  notification_data: property.bool({ default: false, description: 'offer VIRTIO_F_NOTIFICATION_DATA (not in QEMU)' }),
  notif_config_data: property.bool({ default: false, description: 'offer VIRTIO_F_NOTIF_CONFIG_DATA (not in QEMU)' }),
  suspend: property.bool({ default: false, description: 'offer VIRTIO_F_SUSPEND (not in QEMU)' }),
  version_1_optional: property.bool({ default: false, description: 'go on with a driver that does not accept VIRTIO_F_VERSION_1 (QEMU always does)' }),
});

/** The properties of a device that are features of its queue. */
export type FeatureOptions = ValuesOf<typeof featureProperties>;

/** A property by its name, and whether the feature is offered. */
export type FeatureSetting = readonly [name: string, on: boolean];

/** Each of them, for a monitor to show. */
export function featureSettings(options: FeatureOptions): readonly FeatureSetting[] {
  return (Object.keys(featureProperties) as (keyof FeatureOptions)[]).map((name) => [name, options[name]]);
}

/** The same as properties of an object. */
export function featureNodes(features: readonly FeatureSetting[]): Record<string, ObjectProperty> {
  return Object.fromEntries(features.map(([name, value]) => [name, { type: 'bool', value }]));
}

/** What a device's properties say about the features of its queue. */
export function queueFeatures(options: FeatureOptions): QueueFeatures {
  return {
    eventIndex: options.event_idx,
    indirectDescriptors: options.indirect_desc,
    queueReset: options.queue_reset,
    packed: options.packed,
    inOrder: options.in_order,
    accessPlatform: options.iommu_platform,
    notificationData: options.notification_data,
    notificationConfigData: options.notif_config_data,
    suspend: options.suspend,
    version1Optional: options.version_1_optional,
  };
}
