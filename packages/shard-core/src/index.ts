export { SlotMachine, type SlotMachineOptions } from './slot-machine.ts';
export { answerQuery } from './answer-query.ts';
export type { SlotMessage } from './read-message.ts';
export type { Timers } from './applied-waiters.ts';
export { SLOT_LIMITS, RUN_OPERATIONS } from './limits.ts';
