export { PLACEMENT_LIMITS } from './limits.ts';
export { PlacementController, type ControllerOptions } from './controller.ts';
export { MapFeed, type MapFeedOptions } from './map-feed.ts';
export { MapStore, type KnownMap } from './map-store.ts';
export { MemberLeaseKeeper, type MemberLeaseOptions } from './member-lease.ts';
export { ReplicaProgress, forgetReplica, slotsWithProgress, type ReplicaDurable } from './replica-progress.ts';
export { drained, pinned, withReplicas } from './map-edits.ts';
