/** The jobs of the queues in Redis as a page for the operator: bull-board, behind the root key, for looking only. */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { JobQueue } from '@shoal/jobs';
import { ShoalError } from '@shoal/protocol';
import type { FastifyInstance } from 'fastify';

export const JOB_PAGE_PATH = '/admin/jobs';

/** The page is one script with styles of its own, and loads nothing from elsewhere. */
const PAGE_POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
const BASIC = /^Basic ([A-Za-z0-9+/=]+)$/i;

/** Browsers ask for user and password: the root key is the password, whatever the user is. Elsewhere the header counts as it is. */
export function pageAuthorization(path: string | undefined, authorization: string | undefined): string | undefined {
  const basic = path?.startsWith(JOB_PAGE_PATH) === true ? BASIC.exec(authorization ?? '')?.[1] : undefined;
  if (basic === undefined) return authorization;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  return `Bearer ${text.slice(text.indexOf(':') + 1)}`;
}

/** No route of the page says who may call it, so they are for the root key alone, as every such route. */
export async function addJobPage(app: FastifyInstance, queues: readonly JobQueue[]): Promise<void> {
  const server = new FastifyAdapter();
  server.setBasePath(JOB_PAGE_PATH);
  createBullBoard({ queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })), serverAdapter: server, options: { uiConfig: { boardTitle: 'Shoal jobs' } } });
  // Goes on to the gateway's own handler, so that errors are answered here as everywhere.
  server.setErrorHandler((error) => {
    throw error;
  });
  await app.register(async (page) => {
    page.addHook('preHandler', async (request, reply) => {
      // A browser that is logged in sends the password by itself, also where another page leads it.
      if (request.method !== 'GET' && request.method !== 'HEAD') throw new ShoalError('method_not_allowed', 'The job page is for looking only.');
      void reply.header('content-security-policy', PAGE_POLICY);
    });
    await page.register(server.registerPlugin());
  }, { prefix: JOB_PAGE_PATH });
}
