/**
 * Names in the broker. A namespace sets several Shoal clusters apart on one server: it stands before every subject and
 * before the names of streams and bucket; nothing above this adapter sees it.
 */
import assert from 'node:assert/strict';

const NAMESPACE = /^[A-Za-z0-9-]{1,64}$/;

export class Names {
  readonly #subjectPrefix: string;
  readonly #namePrefix: string;

  constructor(namespace: string | undefined) {
    assert(namespace === undefined || NAMESPACE.test(namespace), 'a namespace has 1 to 64 letters, digits or "-"');
    this.#subjectPrefix = namespace === undefined ? '' : `${namespace}.`;
    this.#namePrefix = namespace === undefined ? '' : `${namespace}_`;
  }

  /** The subject on the wire. */
  subject(subject: string): string {
    return this.#subjectPrefix + subject;
  }

  /** The subject as Shoal knows it; one of another namespace stays as it is. */
  bareSubject(subject: string): string {
    return subject.startsWith(this.#subjectPrefix) ? subject.slice(this.#subjectPrefix.length) : subject;
  }

  stream(index: number): string {
    return `${this.#namePrefix}SHOAL_MUT_${index}`;
  }

  get bucket(): string {
    return `${this.#namePrefix}SHOAL_REG`;
  }

  get snapshotBucket(): string {
    return `${this.#namePrefix}SHOAL_SNAP`;
  }
}
