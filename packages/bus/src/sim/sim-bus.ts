import type { Bus } from '../bus.ts';
import type { SimBroker } from './sim-broker.ts';
import { SimLog } from './sim-log.ts';
import type { SimProcess } from './sim-process.ts';
import { SimRegistry } from './sim-registry.ts';
import { SimRequests } from './sim-requests.ts';
import { SimSnapshots } from './sim-snapshots.ts';

/** The bus as one process of the simulated cluster has it. */
export function connectSimBus(broker: SimBroker, process: SimProcess): Bus {
  const log = new SimLog(broker, process);
  const requests = new SimRequests(broker, process);
  const registry = new SimRegistry(broker, process);
  const snapshots = new SimSnapshots(broker, process);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await snapshots.close();
    await registry.close();
    await requests.close();
    await log.close();
  };
  return {
    kind: 'sim',
    description: `simulated bus of ${process.name}`,
    log,
    requests,
    registry,
    snapshots,
    connected: () => closing === undefined && broker.up && !process.link.cut,
    close: () => (closing ??= close()),
  };
}
