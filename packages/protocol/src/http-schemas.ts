/** The HTTP API as schemas and types: one module per subject under http/. */
export {
  EmbeddingNameSchema,
  PayloadSchema,
  ReceiptSchema,
  ValuesSchema,
  VectorKeySchema,
} from './http/value-schemas.ts';
export * from './http/embedding-schemas.ts';
export * from './http/vector-schemas.ts';
export * from './http/search-schemas.ts';
export * from './http/cluster-schemas.ts';
export * from './http/metrics-schemas.ts';
export * from './http/problem.ts';
export * from './http/tenant-schemas.ts';
export * from './http/payload-schemas.ts';
export * from './http/scroll-schemas.ts';
export * from './http/alias-schemas.ts';
export * from './http/import-schemas.ts';
export * from './http/backup-schemas.ts';
export * from './http/route.ts';
export * from './http/routes.ts';
