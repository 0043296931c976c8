import { inject } from 'vitest';
import { busConformance } from '../conformance/bus-conformance.ts';
import { openFresh } from '../testing/nats-fixture.ts';

declare module 'vitest' {
  interface ProvidedContext {
    natsUrl: string;
  }
}

busConformance('nats', () => openFresh(inject('natsUrl')));
