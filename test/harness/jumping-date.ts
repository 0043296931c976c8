/**
 * Loaded into a process before its program (`node --import`): what the process takes for the time of day jumps four times a second,
 * forwards and backwards, as if somebody set the machine's clock again and again. Timers and performance.now() go on as ever. After each
 * jump it says what time it is.
 */
const SystemDate = Date;
const SHIFTS_MS = [0, 3_600_000, -3_600_000, 86_400_000, -10_000, 500, -86_400_000];
let turn = 0;
const nowMs = (): number => SystemDate.now() + (SHIFTS_MS[turn % SHIFTS_MS.length] ?? 0);

class JumpingDate extends SystemDate {
  /** Of the forms that take several numbers, no program here makes use. */
  constructor(...parts: [] | [number | string | Date]) {
    super(parts.length === 0 ? nowMs() : parts[0]);
  }

  static override now(): number {
    return nowMs();
  }
}

globalThis.Date = JumpingDate as unknown as DateConstructor;
setInterval(() => {
  turn += 1;
  process.stderr.write(`the clock shows ${nowMs()}\n`);
}, 250).unref();
