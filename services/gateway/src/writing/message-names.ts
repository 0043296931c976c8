import { digestBytes, digestOperations, repeatableIdentity, type IdempotencyScope, type MessageIdentity, type MessagePlace, type OperationId, type VectorOperation } from '@shoal/protocol';

/** Names the messages of one write. */
export interface MessageNames {
  ofOperations(place: MessagePlace, operations: readonly VectorOperation[]): MessageIdentity;
  ofFilter(place: MessagePlace, filter: Uint8Array): MessageIdentity;
}

/** Every message is another one, also when the same write is sent again. */
export function randomNames(newOperationId: () => OperationId): MessageNames {
  const identity = (): MessageIdentity => ({ operationId: newOperationId() });
  return { ofOperations: identity, ofFilter: identity };
}

/** The same write under the same idempotency key has the same names, whichever gateway it goes through. */
export function repeatableNames(scope: IdempotencyScope): MessageNames {
  return {
    ofOperations: (place, operations) => repeatableIdentity(scope, place, digestOperations(operations)),
    ofFilter: (place, filter) => repeatableIdentity(scope, place, digestBytes(filter)),
  };
}
