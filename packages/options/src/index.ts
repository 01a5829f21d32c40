export { formatProperties, type PrintableProperties, type PrintSyntax } from './format-properties.ts';
export { isIdentifier } from './identifier.ts';
export { nearest } from './nearest.ts';
export { OptionError, type OptionErrorCode, type OptionErrorDetails } from './option-error.ts';
export type { NoEffectWarning, OptionEntry, OptionValue, OptionWarning, ParsedOption, Properties, PropertySource } from './option-value.ts';
export { parseOption, type Grammar, type OptionSyntax } from './parse-option.ts';
export { property, type Property, type RefusedProperty } from './property.ts';
export { defineProperties, describeProperties, noEffectWarnings, readProperties, type PropertySchema, type ValuesOf } from './schema.ts';
export { formatSize, parseSize, type SizeOptions } from './size.ts';
