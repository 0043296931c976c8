export { assembleGateway, startGateway } from './gateway.ts';
export type { Gateway, GatewayDependencies } from './gateway.ts';
export type { GatewayConfig } from './config.ts';
export type { Clock, Timers } from '@shoal/pacing';
export type { ImportBackend } from './imports/import-service.ts';
export { parseTlsFiles, type TlsFiles } from './http/tls-files.ts';
