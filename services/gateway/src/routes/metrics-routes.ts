import { ROUTES } from '@shoal/protocol';
import { metricsSummary } from '@shoal/telemetry';
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './route-context.ts';

/** What is measured. */
export function addMetricsRoutes(app: FastifyInstance, { catalogue, clock, clusterReports, telemetry }: RouteContext): void {
  app.route({ ...ROUTES.getMetricsSummary, handler: async () => metricsSummary(clusterReports.instances(), (code) => catalogue.ownerOf(code)) });

  app.route({
    ...ROUTES.getMetrics,
    handler: async (_request, reply) => {
      // Loaded when somebody asks: a process that nobody scrapes starts without it.
      const { PROMETHEUS_MEDIA_TYPE, prometheusText } = await import('@shoal/telemetry/prometheus');
      return reply.type(PROMETHEUS_MEDIA_TYPE).serializer((text: string) => text).send(prometheusText(telemetry.families(), telemetry.identity, clock.nowMs()));
    },
  });
}
