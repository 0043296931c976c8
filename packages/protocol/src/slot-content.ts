/** What replicas tell each other of the content of a slot, as members of the status of a shard. */
import { parseArray, parseFields, parseWholeNumber, requiredMember, type Fields } from './field-parsers.ts';
import { parseSequence, type Sequence } from './ids.ts';
import { LIMITS } from './limits.ts';
import { ShoalError } from './shoal-error.ts';

/** A digest of the content of a slot when everything up to a sequence was applied. */
export interface ContentPoint {
  readonly sequence: Sequence;
  /** 16 hexadecimal digits. */
  readonly digest: string;
}

/** The last time that all rows were read again and gave the digest that was kept with them. */
export interface ContentVerification {
  /** Since the process started. */
  readonly count: number;
  readonly sequence: Sequence;
}

export interface SlotContent {
  /** How digests are made; those of different versions are not compared. */
  readonly version: number;
  /** At the applied sequence. */
  readonly digest: string;
  /** At earlier sequences that other replicas are likely to have too. */
  readonly marks: readonly ContentPoint[];
  readonly verified?: ContentVerification;
  /** How often the slot was rebuilt since it last agreed with another replica. */
  readonly rebuildCount: number;
}

function parseDigest(value: unknown, field: string): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{16}$/.test(value)) throw new ShoalError('invalid_field', `${field} must be 16 hexadecimal digits.`, { field });
  return value;
}

/** Members that this release does not know are ignored. */
export function parseSlotContent(value: unknown, field: string): SlotContent {
  const fields = fieldsOf(value, field);
  const marks = parseArray(requiredMember(fields, field, 'marks'), `${field}.marks`, 0, LIMITS.contentMarks);
  return {
    version: parseWholeNumber(requiredMember(fields, field, 'version'), `${field}.version`, 1, Number.MAX_SAFE_INTEGER),
    digest: parseDigest(requiredMember(fields, field, 'digest'), `${field}.digest`),
    marks: marks.map((mark, index) => parsePoint(mark, `${field}.marks[${index}]`)),
    ...(fields['verified'] === undefined ? {} : { verified: parseVerification(fields['verified'], `${field}.verified`) }),
    rebuildCount: parseWholeNumber(requiredMember(fields, field, 'rebuildCount'), `${field}.rebuildCount`, 0, Number.MAX_SAFE_INTEGER),
  };
}

function fieldsOf(value: unknown, field: string): Fields {
  return parseFields(value, field, typeof value === 'object' && value !== null ? Object.keys(value) : []);
}

function parsePoint(value: unknown, field: string): ContentPoint {
  const fields = fieldsOf(value, field);
  return { sequence: parseSequence(requiredMember(fields, field, 'sequence'), `${field}.sequence`), digest: parseDigest(requiredMember(fields, field, 'digest'), `${field}.digest`) };
}

function parseVerification(value: unknown, field: string): ContentVerification {
  const fields = fieldsOf(value, field);
  return {
    count: parseWholeNumber(requiredMember(fields, field, 'count'), `${field}.count`, 0, Number.MAX_SAFE_INTEGER),
    sequence: parseSequence(requiredMember(fields, field, 'sequence'), `${field}.sequence`),
  };
}
