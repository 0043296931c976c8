/**
 * A compressed set of VecIds after Roaring bitmaps (Chambi, Lemire, Kaser, Godin 2016): ids with the same upper bits share a container, which is a
 * sorted array of the lower 16 bits while it is small, and a bitmap when it is large.
 */
import { clearBit, hasBit, setBit } from './dense-bits.ts';

const CONTAINER_BITS = 16;
const CONTAINER_WORDS = 1 << (CONTAINER_BITS - 5);
/** From here on the bitmap of 8 KiB is smaller than the array. */
const ARRAY_MAX = 4_096;
/** Below this a bitmap becomes an array again; far enough from ARRAY_MAX that a set at the border does not go to and fro. */
const BITMAP_MIN = 2_048;

interface ArrayContainer {
  readonly type: 'array';
  values: Uint16Array<ArrayBuffer>;
  count: number;
}

interface BitmapContainer {
  readonly type: 'bitmap';
  readonly words: Uint32Array<ArrayBuffer>;
  count: number;
}

type Container = ArrayContainer | BitmapContainer;

/** Position of the first value that is not less. */
function lowerBound({ values, count }: ArrayContainer, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class IdBitmap {
  readonly #containers: (Container | undefined)[] = [];
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  get memoryBytes(): number {
    return this.#bytes;
  }

  /** False when the id was in the set. */
  add(id: number): boolean {
    const place = id >>> CONTAINER_BITS;
    const low = id & 0xffff;
    const container = this.#containers[place] ?? this.#put(place, { type: 'array', values: new Uint16Array(4), count: 0 });
    const added = container.type === 'bitmap' ? addBit(container, low) : this.#insert(place, container, low);
    if (added) this.#size += 1;
    return added;
  }

  /** False when the id was not in the set. */
  delete(id: number): boolean {
    const place = id >>> CONTAINER_BITS;
    const low = id & 0xffff;
    const container = this.#containers[place];
    if (container === undefined) return false;
    if (container.type === 'bitmap') {
      if (!hasBit(container.words, low)) return false;
      clearBit(container.words, low);
      container.count -= 1;
      if (container.count < BITMAP_MIN) this.#put(place, asArray(container));
    } else {
      const at = lowerBound(container, low);
      if (at === container.count || container.values[at] !== low) return false;
      container.values.copyWithin(at, at + 1, container.count);
      container.count -= 1;
    }
    if (container.count === 0) this.#put(place, undefined);
    this.#size -= 1;
    return true;
  }

  has(id: number): boolean {
    const container = this.#containers[id >>> CONTAINER_BITS];
    if (container === undefined) return false;
    const low = id & 0xffff;
    if (container.type === 'bitmap') return hasBit(container.words, low);
    const at = lowerBound(container, low);
    return at < container.count && container.values[at] === low;
  }

  /** Adds the set to a dense one that has room for every id of it. */
  addTo(words: Uint32Array): void {
    this.#containers.forEach((container, place) => {
      if (container === undefined) return;
      const first = place * CONTAINER_WORDS;
      if (container.type === 'bitmap') {
        const wordCount = Math.min(CONTAINER_WORDS, words.length - first);
        for (let word = 0; word < wordCount; word += 1) words[first + word] = (words[first + word] ?? 0) | (container.words[word] ?? 0);
        return;
      }
      const base = place << CONTAINER_BITS;
      for (let at = 0; at < container.count; at += 1) setBit(words, base | (container.values[at] ?? 0));
    });
  }

  #put<Put extends Container | undefined>(place: number, container: Put): Put {
    this.#bytes += bytesOf(container) - bytesOf(this.#containers[place]);
    this.#containers[place] = container;
    return container;
  }

  #insert(place: number, container: ArrayContainer, low: number): boolean {
    const at = lowerBound(container, low);
    if (at < container.count && container.values[at] === low) return false;
    if (container.count === ARRAY_MAX) return addBit(this.#put(place, asBitmap(container)), low);
    if (container.count === container.values.length) {
      const values = new Uint16Array(Math.min(ARRAY_MAX, container.values.length * 2));
      values.set(container.values);
      this.#bytes += values.byteLength - container.values.byteLength;
      container.values = values;
    }
    container.values.copyWithin(at + 1, at, container.count);
    container.values[at] = low;
    container.count += 1;
    return true;
  }
}

function addBit(container: BitmapContainer, low: number): boolean {
  if (hasBit(container.words, low)) return false;
  setBit(container.words, low);
  container.count += 1;
  return true;
}

function bytesOf(container: Container | undefined): number {
  if (container === undefined) return 0;
  return container.type === 'bitmap' ? container.words.byteLength : container.values.byteLength;
}

function asBitmap({ values, count }: ArrayContainer): BitmapContainer {
  const words = new Uint32Array(CONTAINER_WORDS);
  for (let at = 0; at < count; at += 1) setBit(words, values[at] ?? 0);
  return { type: 'bitmap', words, count };
}

function asArray({ words, count }: BitmapContainer): ArrayContainer {
  const values = new Uint16Array(ARRAY_MAX);
  let at = 0;
  for (let low = 0; low <= 0xffff && at < count; low += 1) {
    if (!hasBit(words, low)) continue;
    values[at] = low;
    at += 1;
  }
  return { type: 'array', values, count };
}
