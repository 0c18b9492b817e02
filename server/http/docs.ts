/** /docs: the reference of REST, a page for a browser and OpenAPI for a program; keyless on this machine, with a key on the public host. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Tool } from '#tools/define.ts';
import { openApiDocument } from '#tools/openapi.ts';
import type { Assets } from './assets.ts';
import { authenticate, challenge, type DoorAccess } from './auth.ts';
import { docsPage } from './docs-page.ts';
import type { Place } from './perimeter.ts';
import { sendProblem } from './problem.ts';
import { openViews } from './views.ts';

export interface DocsOptions {
  readonly tools: readonly Tool[];
  readonly access: DoorAccess;
  readonly version: string;
  readonly assets: Assets;
  readonly placeOf: (request: FastifyRequest) => Place;
}

/** Stands in the page where the address goes that the reader used. */
const ORIGIN = 'http://portcullis.invalid';

export function docs(app: FastifyInstance, options: DocsOptions): void {
  // A scope of its own: the hook is for these routes alone.
  void app.register(async (scope) => docsRoutes(scope, options));
}

function docsRoutes(app: FastifyInstance, options: DocsOptions): void {
  const { tools, access, version } = options;
  const views = openViews();
  // Made when first asked for, and once: each takes longer than an order may wait.
  const document = once(() => JSON.stringify(openApiDocument(tools, version)));
  const page = once(() => views.render('docs.html', docsPage(tools, version, ORIGIN)));
  const sendDocument = (reply: FastifyReply): FastifyReply =>
    reply.type('application/json; charset=utf-8').send(document());
  app.addHook('onRequest', async (request, reply) => {
    if (options.placeOf(request) === 'inside') return undefined;
    const principal = authenticate(access, {
      authorization: request.headers.authorization,
      door: 'rest',
      address: request.ip,
    });
    return principal.ok ? undefined : sendProblem(challenge(reply, principal.error), principal.error);
  });
  app.get('/docs', (request, reply) => {
    void reply.header('vary', 'accept');
    if (!prefersHtml(request.headers.accept)) return sendDocument(reply);
    return views.sendPage(reply, page().replaceAll(ORIGIN, originOf(request)));
  });
  app.get('/docs/', (_request, reply) => reply.redirect('/docs', 308));
  app.get('/docs/openapi.json', (_request, reply) => sendDocument(reply));
  app.get<{ Params: { readonly name: string } }>('/docs/static/:name', (request, reply) =>
    options.assets.send(request, reply, request.params.name),
  );
}

/**
 * The address that the reader used, from the Host that the perimeter has admitted, which is a name and a port and nothing
 * else. What a proxy passes on under other names (X-Forwarded-Host) nobody has looked at.
 */
function originOf(request: FastifyRequest): string {
  const scheme = request.protocol === 'https' ? 'https' : 'http';
  return `${scheme}://${request.headers.host ?? ''}`;
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** RFC 9110 section 12.5.1: by name and weight; a client that names neither (curl) gets the document. */
export function prefersHtml(accept: string | undefined): boolean {
  const weights = new Map(
    (accept ?? '').split(',').map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [type, weight === undefined ? 1 : Number(weight) || 0];
    }),
  );
  const html = weights.get('text/html') ?? 0;
  return html > 0 && html >= (weights.get('application/json') ?? 0);
}
