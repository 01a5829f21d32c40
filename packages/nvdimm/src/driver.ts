export { AcpiNamespace, type AcpiPlatform } from './acpi-namespace.ts';
export { findNvdimms, rootDevices, type FoundNvdimm } from './acpi-nvdimms.ts';
export { AmlError } from './aml-reader.ts';
export { AmlElement, type AmlValue } from './aml-value.ts';
export { rawNamespaces, type LabelledNvdimm, type RawNamespace } from './raw-namespaces.ts';
export { readFit, type FoundRange } from './fit-reader.ts';
export { AcpiTableError, findAcpiTables, type ReadMemory } from './table-search.ts';
