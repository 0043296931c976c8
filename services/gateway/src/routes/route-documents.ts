/** What /openapi.json says, beyond the schemas of the protocol, about what this gateway takes. */
import { ROUTES, LIMITS } from '@shoal/protocol';
import Type from 'typebox';

const timeoutMs = Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.timeoutMs, description: 'Deadline in milliseconds.' }));
const wait = Type.Optional(Type.String({ enum: ['logged', 'applied'], description: 'logged (the default): durable in the log. applied: also applied, with the outcome of each item.' }));
const mode = Type.Optional(Type.String({ enum: ['upsert', 'insert'], description: 'For bodies other than application/json.' }));
const after = Type.Optional(Type.String({ description: 'A receipt as JSON: the answer includes these writes.', examples: ['{"17":4711}'] }));

type RouteName = keyof typeof ROUTES;

const EXTRA: { readonly [name in RouteName]?: object } = {
  writeVectors: { querystring: Type.Object({ mode, wait, timeoutMs }) },
  deleteVectors: { querystring: Type.Object({ timeoutMs }) },
  deleteVector: { querystring: Type.Object({ wait, timeoutMs }) },
  getVector: { querystring: Type.Object({ after, timeoutMs }) },
  healthz: { security: [] },
  readyz: { security: [] },
};

/** Method, path and schema of a route, as Fastify takes them. */
export function routeOf(name: RouteName): { readonly method: 'GET' | 'POST' | 'DELETE'; readonly url: string; readonly schema: object } {
  const { method, url, schema } = ROUTES[name];
  return { method, url, schema: { ...schema, ...EXTRA[name] } };
}
