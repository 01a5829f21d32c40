export { AcpiNamespace, type AcpiPlatform } from './acpi/acpi-namespace.ts';
export { findNvdimms, rootDevices, type FoundNvdimm } from './acpi/acpi-nvdimms.ts';
export { AmlError } from './aml/aml-reader.ts';
export { AmlElement, type AmlValue } from './aml/aml-value.ts';
export { rawNamespaces, type LabelledNvdimm, type RawNamespace } from './labels/raw-namespaces.ts';
export { readFit, type FoundRange } from './acpi/fit-reader.ts';
export { AcpiTableError, findAcpiTables, type ReadMemory } from './acpi/table-search.ts';
