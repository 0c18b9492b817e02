/** GET /healthz: is the process able to answer. Keyless, so it says nothing about accounts, agents or versions. */
import type { FastifyInstance } from 'fastify';

export function health(app: FastifyInstance): void {
  // Monitors ask with HEAD.
  app.get('/healthz', { exposeHeadRoute: true }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
}
