export { IMPORT_FORMATS, type ImportFormat, type ReaderSettings } from './formats/file-format.ts';
export type { ColumnMapping, RowSettings } from './formats/column-mapping.ts';
export { JOB_LIMITS } from './limits.ts';
export { runImport, type ImportProgress, type ImportRun, type Rejection } from './imports/run-import.ts';
export { sourceFiles, type SourcePolicy } from './sources/open-sources.ts';
export type { ByteSource, SourceFile } from './sources/byte-source.ts';
export type { S3Settings } from './sources/s3-bucket.ts';
