/** What every process says of itself, by the names of the semantic conventions. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { gauge, type MetricFamily } from './metric-family.ts';

const RESOLUTION_MS = 10;
const NS_PER_SECOND = 1e9;

/** Event loop, memory and processor time of this process. The delay of the event loop is that since the last call. */
export class ProcessMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #lastUtilization = performance.eventLoopUtilization();

  start(): void {
    this.#delay.enable();
  }

  close(): void {
    this.#delay.disable();
  }

  families(): readonly MetricFamily[] {
    return [...this.#eventLoop(), ...memory(), processorTime(), gauge('process.uptime', 's', 'How long the process has run.', process.uptime())];
  }

  #eventLoop(): readonly MetricFamily[] {
    const delay = this.#delay;
    const quantile = (percent: number): number => Math.max(0, delay.percentile(percent) / NS_PER_SECOND - RESOLUTION_MS / 1_000);
    const utilization = performance.eventLoopUtilization();
    const families = [
      gauge('nodejs.eventloop.delay.p50', 's', 'Median delay of the event loop since the last reading.', quantile(50)),
      gauge('nodejs.eventloop.delay.p99', 's', 'p99 of the delay of the event loop since the last reading.', quantile(99)),
      gauge('nodejs.eventloop.delay.max', 's', 'Longest delay of the event loop since the last reading.', quantile(100)),
      gauge('nodejs.eventloop.utilization', '1', 'Share of time that the event loop was busy since the last reading.', performance.eventLoopUtilization(utilization, this.#lastUtilization).utilization),
    ];
    this.#lastUtilization = utilization;
    delay.reset();
    return families;
  }
}

function memory(): readonly MetricFamily[] {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return [
    gauge('process.memory.usage', 'By', 'Memory of the process that is in RAM.', rss),
    gauge('v8js.memory.heap.used', 'By', 'Heap in use, without the heaps of other threads.', heapUsed),
    gauge('v8js.memory.heap.total', 'By', 'Heap that is there, in use or not.', heapTotal),
    gauge('v8js.memory.heap.limit', 'By', 'What the heap may grow to.', getHeapStatistics().heap_size_limit),
    gauge('nodejs.memory.external', 'By', 'Memory outside the heap that objects hold, array buffers included.', external),
    gauge('nodejs.memory.array_buffers', 'By', 'The part of it that array buffers take.', arrayBuffers),
  ];
}

function processorTime(): MetricFamily {
  const { user, system } = process.cpuUsage();
  return {
    type: 'counter', name: 'process.cpu.time', unit: 's', description: 'Processor time of the process.',
    points: [{ attributes: { 'cpu.mode': 'user' }, value: user / 1e6 }, { attributes: { 'cpu.mode': 'system' }, value: system / 1e6 }],
  };
}
