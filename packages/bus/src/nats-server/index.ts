export { fetchDebianPackages, type DebianPackages } from './debian-package.ts';
export { freePort } from './free-port.ts';
export { findNatsServer, type FindOptions, type FoundServer } from './find-nats-server.ts';
export { NatsCluster, type NatsClusterOptions } from './nats-cluster.ts';
export { NatsServer, type ClusterMembership, type NatsServerOptions } from './nats-server.ts';
export { MINIMUM_SERVER_VERSION, compareVersions, isNewEnough } from './server-version.ts';
