import { ACCESSES, ShoalError, type Access } from '@shoal/protocol';
import type { FastifyInstance, HTTPMethods } from 'fastify';

export interface RouteAddress {
  readonly method: string;
  readonly url: string;
  readonly config: { readonly access: Access };
}

/** Answers `method_not_allowed`, with the methods that exist, where a path is known but not with this method, to everybody who may use one of them. */
export function answerOtherMethods(app: FastifyInstance, routes: readonly RouteAddress[]): void {
  const methodsByUrl = Map.groupBy(routes, ({ url }) => url);
  for (const [url, known] of methodsByUrl) {
    const methods = new Set(known.map(({ method }) => method));
    // Every GET route answers HEAD as well.
    if (methods.has('GET')) methods.add('HEAD');
    const allow = [...methods].sort().join(', ');
    app.route({
      url,
      config: { access: ACCESSES.find((access) => known.some(({ config }) => config.access === access)) ?? 'root' },
      method: app.supportedMethods.filter((method) => !methods.has(method)) as HTTPMethods[],
      exposeHeadRoute: false,
      schema: { hide: true },
      onRequest: async (request, reply) => {
        void reply.header('allow', allow);
        throw new ShoalError('method_not_allowed', `This path takes ${allow}, not ${request.method}.`, { field: 'method' });
      },
      handler: () => undefined,
    });
  }
}
