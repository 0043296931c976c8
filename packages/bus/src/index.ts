export type * from './mutation-log.ts';
export type * from './requests.ts';
export type * from './registry.ts';
export type * from './bus.ts';
export { BUS_LIMITS } from './limits.ts';
export { type EmbeddedBusOptions, openEmbeddedBus } from './embedded/embedded-bus.ts';
export { connectNatsBus, type NatsBusOptions } from './nats/connect-nats-bus.ts';
export type { NatsAccess } from './nats/access.ts';
export { parseNatsEnvironment, type NatsSettings } from './nats/nats-environment.ts';
