import { le32, struct } from '@vpmem/layout';
import { guid } from './guid.ts';

/** Where QEMU's SSDT passes calls: a port for the page's address, and the page for everything else. In bytes. */
export const DSM_PORT = 0x0a18;
export const DSM_PORT_SIZE = 4;
export const DSM_PAGE_SIZE = 4096;

/** What the guest puts into the page; the rest of it are the function's arguments. */
export const DsmCall = struct('DSM call', { handle: le32, revision: le32, function: le32 });

/** What comes back: `length` counts itself. What a function answers follows; most begin with a status. */
export const DsmAnswer = struct('DSM answer', { length: le32, status: le32 });

/** The only revision there is. */
export const DSM_REVISION = 1;

/** Whom a call is for. Devices have {@link deviceHandle} of their slot. */
export const ROOT_HANDLE = 0;
export const INTERNAL_HANDLE = 0x1_0000;

/** NVDIMM DSM 1.8, _DSM Interface for the NVDIMM Root Device */
export const ROOT_GUID = guid('2f10e7a4-9e91-11e4-89d3-123b93f75cba');
/** NVDIMM DSM 1.8, _DSM Interface for the NVDIMM Device */
export const DEVICE_GUID = guid('4309ac30-0d11-11e4-9191-0800200c9a66');
/** Between SSDT and device only: the functions through which `_FIT` reads. */
export const INTERNAL_GUID = guid('648b9cf2-cda1-4312-8ad9-49c4af32bd62');

/** NVDIMM DSM 1.8, Get Namespace Label Size (Function Index 4) and the two after it */
export const DEVICE_FUNCTION = { getLabelSize: 4, getLabelData: 5, setLabelData: 6 } as const;
export const INTERNAL_FUNCTION = { readFit: 1 } as const;

/** NVDIMM DSM 1.8, Function Return Codes; the last is of {@link INTERNAL_GUID} alone. */
export const STATUS = { success: 0, notSupported: 1, noDevice: 2, invalid: 3, vendorSpecific: 4, fitChanged: 0x100 } as const;

/** Arguments of Read FIT. */
export const ReadFit = struct('Read FIT', { offset: le32 });

/** NVDIMM DSM 1.8, Get Namespace Label Size: its answer after the status */
export const LabelSize = struct('Get Namespace Label Size', { size_of_namespace_label_area: le32, max_namespace_label_data_length: le32 });

/** NVDIMM DSM 1.8, Get and Set Namespace Label Data: what their arguments begin with */
export const LabelRange = struct('Namespace Label Data', { offset: le32, length: le32 });

/** The most label bytes in one call: what the page holds beside a call and a range. */
export const MAX_LABEL_TRANSFER = DSM_PAGE_SIZE - DsmCall.size - LabelRange.size;
