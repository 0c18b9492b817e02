/** GET /docs: the OpenAPI document of every tool, keyless on this machine, with a key on the public host. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Tool } from '#tools/define.ts';
import { openApiDocument } from '#tools/rest-shape.ts';
import { authenticate, challenge, type DoorAccess } from './auth.ts';
import type { Place } from './perimeter.ts';
import { sendProblem } from './problem.ts';

export interface DocsOptions {
  readonly tools: readonly Tool[];
  readonly access: DoorAccess;
  readonly version: string;
  readonly placeOf: (request: FastifyRequest) => Place;
}

export function docs(app: FastifyInstance, options: DocsOptions): void {
  const document = openApiDocument(options.tools, options.version);
  app.get('/docs', (request, reply) => {
    if (options.placeOf(request) === 'inside') return reply.send(document);
    const principal = authenticate(options.access, {
      authorization: request.headers.authorization,
      door: 'rest',
      address: request.ip,
    });
    if (principal.ok) return reply.send(document);
    return sendProblem(challenge(reply, principal.error), principal.error);
  });
}
