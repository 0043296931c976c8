export type * from './mutation-log.ts';
export type * from './requests.ts';
export type * from './registry.ts';
export type * from './bus.ts';
