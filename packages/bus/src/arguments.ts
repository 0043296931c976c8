/** What the bus demands of its callers: programming errors assert, sizes that depend on data are `invalid_field`. */
import assert from 'node:assert/strict';
import { ShoalError } from '@shoal/protocol';
import { BUS_LIMITS } from './limits.ts';
import type { LogEntry, ReadOptions } from './mutation-log.ts';

export function checkEntry(entry: LogEntry, slots: number): void {
  assert(entry.address.slot >= 0 && entry.address.slot < slots, `slot ${entry.address.slot} is outside 0 to ${slots - 1}`);
  if (entry.bytes.length > BUS_LIMITS.entryBytes) {
    throw new ShoalError('invalid_field', `A log entry of ${entry.bytes.length} bytes is over the limit of ${BUS_LIMITS.entryBytes}.`, { field: 'bytes', limit: BUS_LIMITS.entryBytes });
  }
}

export function checkReadOptions(options: ReadOptions, slots: number): void {
  assert(options.slot >= 0 && options.slot < slots, `slot ${options.slot} is outside 0 to ${slots - 1}`);
  assert(options.maxMessages >= 1 && options.maxMessages <= BUS_LIMITS.readMessages, `maxMessages must be 1 to ${BUS_LIMITS.readMessages}`);
  assert(options.maxBytes >= 1 && options.maxBytes <= BUS_LIMITS.readBytes, `maxBytes must be 1 to ${BUS_LIMITS.readBytes}`);
}

export function checkRequestSize(payload: Uint8Array, limit: number): void {
  if (payload.length > limit) {
    throw new ShoalError('invalid_field', `A request of ${payload.length} bytes is over the broker's limit of ${limit}.`, { field: 'payload', limit });
  }
}

const REGISTRY_KEY = /^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*$/;

/** Keys and prefixes of the registry. */
export function checkRegistryKey(key: string): void {
  assert(key.length <= BUS_LIMITS.registryKeyChars && REGISTRY_KEY.test(key), `not a registry key: ${key}`);
}

export function checkRegistryValue(value: Uint8Array): void {
  if (value.length > BUS_LIMITS.registryValueBytes) {
    throw new ShoalError('invalid_field', `A registry value of ${value.length} bytes is over the limit of ${BUS_LIMITS.registryValueBytes}.`, { field: 'value', limit: BUS_LIMITS.registryValueBytes });
  }
}
