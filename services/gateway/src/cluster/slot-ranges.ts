/** Ascending slot numbers as people write them: `0-3, 7, 9-11`. */
export function slotRanges(slots: readonly number[]): string {
  const ranges: string[] = [];
  let first: number | undefined;
  slots.forEach((slot, index) => {
    first ??= slot;
    if (slots[index + 1] === slot + 1) return;
    ranges.push(first === slot ? `${slot}` : `${first}-${slot}`);
    first = undefined;
  });
  return ranges.join(', ');
}
