/** Decodes a message of the log and checks that it lies where it belongs. */
import { ShoalError, SUBJECTS, decodeMutation, slotOf, type ErrorCode, type Mutation, type Sequence, type Slot, type VectorOperation } from '@shoal/protocol';

/** A message as the log delivers it. */
export interface SlotMessage {
  readonly sequence: Sequence;
  readonly subject: string;
  readonly timeMs: number;
  readonly bytes: Uint8Array;
}

export type ReadMessage =
  | { readonly type: 'mutation'; readonly message: SlotMessage; readonly mutation: Mutation }
  | { readonly type: 'refused'; readonly message: SlotMessage; readonly reason: ErrorCode; readonly detail: string };

export function readMessage(message: SlotMessage, slot: Slot, slots: number): ReadMessage {
  try {
    const mutation = decodeMutation(message.bytes);
    const { code, partition } = mutation;
    if (slotOf(code, partition, slots) !== slot || message.subject !== SUBJECTS.mutation({ slot, code, partition })) {
      return { type: 'refused', message, reason: 'misplaced_message', detail: `The message concerns embedding ${code}, partition ${partition}, which does not belong to its subject.` };
    }
    if (mutation.type === 'write' && !mutation.operations.every(isFinite32)) {
      return { type: 'refused', message, reason: 'invalid_vector', detail: 'A vector of the message has a component that is not finite.' };
    }
    return { type: 'mutation', message, mutation };
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error;
    return { type: 'refused', message, reason: error.code, detail: error.message };
  }
}

/** Gateways refuse such vectors; one that gets into the log all the same would disturb the order of every search that meets it. */
function isFinite32(operation: VectorOperation): boolean {
  return !('vector' in operation) || operation.vector.every(Number.isFinite);
}
