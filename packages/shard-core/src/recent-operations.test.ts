import type { OperationId, Sequence } from '@shoal/protocol';
import { describe, expect, it } from 'vitest';
import { RecentOperations } from './recent-operations.ts';

const operation = (sequence: number, name: string, outcomeBytes = 1) => ({
  sequence: sequence as Sequence,
  operationId: name as OperationId,
  outcomes: new Uint8Array(outcomeBytes),
});

describe('RecentOperations', () => {
  it('forgets the oldest beyond the count', () => {
    const recent = new RecentOperations(10, { count: 2, outcomeBytes: 100 });
    expect(recent.add(operation(1, 'a'))).toEqual([]);
    expect(recent.add(operation(2, 'b'))).toEqual([]);
    expect(recent.add(operation(3, 'c'))).toEqual([10]);
    expect([recent.head, recent.tail]).toEqual([11, 13]);
    expect(recent.find('a' as OperationId)).toBeUndefined();
    expect(recent.at(1 as Sequence)).toBeUndefined();
    expect(recent.at(3 as Sequence)?.operationId).toBe('c');
  });

  it('forgets the oldest beyond the bytes of outcomes, and keeps at least the newest', () => {
    const recent = new RecentOperations(0, { count: 100, outcomeBytes: 10 });
    recent.add(operation(1, 'a', 6));
    recent.add(operation(2, 'b', 3));
    expect(recent.add(operation(3, 'c', 4))).toEqual([0]);
    expect(recent.add(operation(4, 'd', 50))).toEqual([1, 2]);
    expect(recent.find('d' as OperationId)?.sequence).toBe(4);
  });

  it('still knows a repeated operation when its first entry falls out', () => {
    const recent = new RecentOperations(0, { count: 2, outcomeBytes: 100 });
    recent.add(operation(1, 'a'));
    recent.add(operation(2, 'a'));
    recent.add(operation(3, 'b'));
    expect(recent.at(1 as Sequence)).toBeUndefined();
    expect(recent.find('a' as OperationId)?.sequence).toBe(2);
  });
});
