export { SlotMachine, type SlotMachineOptions } from './slot-machine.ts';
export { answerQuery } from './answer-query.ts';
export type { SlotMessage } from './read-message.ts';
export { SLOT_LIMITS, RUN_OPERATIONS } from './limits.ts';
