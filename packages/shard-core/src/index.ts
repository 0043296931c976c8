export { SlotMachine, type SlotMachineOptions } from './slot-machine.ts';
export { answerQuery } from './answer-query.ts';
export type { SlotMessage } from './read-message.ts';
export { SLOT_LIMITS, RUN_OPERATIONS } from './limits.ts';
export type { EngineSearch, SearchProbe, SearchWatch } from './search-probe.ts';
export type { ActivePartition } from './partition-state.ts';
export type { CheckpointFiles } from './index-checkpoint.ts';
export type { SlotState } from './slot-state.ts';
