export { SimWorld, WorldTimeout, seededChance } from './world.ts';
export { SimProcess, type SimLink } from './sim-process.ts';
export { SimBroker, type SimBrokerOptions } from './sim-broker.ts';
export { connectSimBus } from './sim-bus.ts';
