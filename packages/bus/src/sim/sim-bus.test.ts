import type { Bus } from '../bus.ts';
import { busConformance } from '../conformance/bus-conformance.ts';
import { connectSimBus, SimBroker, SimProcess, SimWorld } from './index.ts';

/** Follows the system's time, because the suite waits for that too. */
busConformance('simulated', async () => {
  const stop = new AbortController();
  const world = new SimWorld(1);
  world.follow(stop.signal);
  const broker = new SimBroker(world, { slots: 8, streams: 2, duplicateWindowMs: 20_000 });
  const buses: Bus[] = [];
  const connect = (): Bus => {
    const bus = connectSimBus(broker, new SimProcess(world, `process ${buses.length}`));
    buses.push(bus);
    return bus;
  };
  const closeAll = async (): Promise<void> => {
    for (const bus of buses.splice(0)) await bus.close();
  };
  return {
    bus: connect(),
    peer: async () => connect(),
    reopen: async () => {
      await closeAll();
      return connect();
    },
    dispose: async () => {
      await closeAll();
      stop.abort();
    },
  };
});
