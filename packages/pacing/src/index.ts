export { pause, systemTimers, withDeadline, type Clock, type Timers } from './clock.ts';
export { FairGate, type FairGateOptions } from './fair-gate.ts';
export { FairQueue, type FairQueueOptions } from './fair-queue.ts';
