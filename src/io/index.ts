/** Tensors in and out of files: formats on bytes, and files where the platform has them. */
export { type CsvNumberOptions, type CsvNumbers, type CsvOptions, type CsvTable, csvNumbers, formatCsv, parseCsv } from './csv.ts';
export { readBytes, readText, writeFileAtomic } from './files.ts';
export { FormatError } from './format-error.ts';
export { decodeSafetensors, encodeSafetensors, type SafetensorsEntry, type SafetensorsFile } from './safetensors.ts';
export { fromSafetensors, loadSafetensors, type NamedTensors, saveSafetensors, toSafetensors } from './tensors.ts';
