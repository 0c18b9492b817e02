/** /oauth/interaction: the pages on which a person signs in and consents; asks before anything whether the form is our own. */
import { createHmac } from 'node:crypto';
import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Refusal } from '#domain/refusal.ts';
import type { Interactions, PageCall, PageOutcome } from '#oauth/interaction-pages.ts';
import type { ProblemPage } from '#oauth/parts.ts';
import { isStoreFault } from '#tools/dispatch.ts';
import type { Assets } from './assets.ts';
import { cookieJar } from './console-cookies.ts';
import {
  formToken,
  formValues,
  isOwnForm,
  isTakenInElsewhere,
  shownValues,
  takeForms,
} from './console-forms.ts';
import { visitorOf } from './console-request.ts';
import { EVERY_ANSWER, OAUTH_ASSETS, type OauthViews, type PageProblem } from './oauth-views.ts';
import { nothingHere, sendProblem } from './problem.ts';

export interface OauthPages {
  readonly interactions: Interactions;
  readonly views: OauthViews;
  readonly assets: Assets;
  /** Origin of MCP_PUBLIC_URL: what every form of these pages comes from. */
  readonly issuer: string;
  /** 32 random bytes, kept: a form that was open during a restart is taken after it. */
  readonly formKey: Buffer;
}

const PATH = '/oauth/interaction/:uid';
const pagePath = (uid: string): string => `/oauth/interaction/${encodeURIComponent(uid)}`;
interface OfInteraction {
  readonly Params: { readonly uid: string };
}

const Text = z.string().max(500);
const SignIn = z.strictObject({ name: Text, passphrase: Text, code: Text.optional() });
const Consent = z.strictObject({
  scopes: z.union([Text.transform((one) => [one]), z.array(Text).max(20)]).default([]),
  expires: Text,
  shown: Text,
  code: Text.optional(),
});
const Nothing = z.strictObject({});

/** What a page's forms do, by the last part of their address. */
type Act = (interactions: Interactions, call: PageCall, form: unknown) => Promise<PageOutcome>;
const act =
  <T>(
    input: z.ZodType<T>,
    run: (interactions: Interactions, call: PageCall, form: T) => Promise<PageOutcome>,
  ): Act =>
  (interactions, call, form) =>
    run(interactions, call, input.parse(form));
const ACTS: Readonly<Record<string, Act>> = {
  'sign-in': act(SignIn, (interactions, call, form) => interactions.signIn(call, form)),
  consent: act(Consent, (interactions, call, form) => interactions.consent(call, form)),
  deny: act(Nothing, (interactions, call) => interactions.deny(call)),
  continue: act(Nothing, (interactions, call) => interactions.goOn(call)),
  back: act(Nothing, (interactions, call) => interactions.back(call)),
};

/** In a scope of its own: its forms and cookies are nobody else's. */
export function oauthPages(app: FastifyInstance, pages: OauthPages): void {
  const { interactions, views, assets, issuer } = pages;
  void app.register(cookie);
  takeForms(app);
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(EVERY_ANSWER);
    // Before anybody looks whose cookies these are.
    if (isTakenInElsewhere(request)) return reply.code(403).send();
    return undefined;
  });
  const problem = (reply: FastifyReply, status: number, kind: PageProblem): FastifyReply =>
    sendPage(reply, status, views.problem(kind));
  app.setErrorHandler((error, request, reply) => {
    const status: unknown = Reflect.get(error as object, 'statusCode');
    if (error instanceof z.ZodError || (typeof status === 'number' && status < 500))
      return problem(reply, 400, 'foreign_form');
    request.log.error({ err: error, reqId: request.id }, 'a page of an authorization failed');
    return problem(reply, isStoreFault(error) ? 503 : 500, 'unavailable');
  });

  app.get<{ Params: { readonly name: string } }>('/oauth/static/:name', (request, reply) => {
    const { name } = request.params;
    return OAUTH_ASSETS.has(name) ? assets.send(request, reply, name) : sendProblem(reply, nothingHere());
  });
  app.get<OfInteraction>(PATH, async (request, reply) =>
    follow(pages, { request, reply, name: '', outcome: await interactions.look(callOf(request, reply)) }),
  );
  app.get<OfInteraction>(`${PATH}/state`, async (request, reply) => ({
    waits: await interactions.waits(callOf(request, reply)),
  }));
  for (const [name, run] of Object.entries(ACTS)) {
    // Where a form's answer was a page, its address stands in the browser, and is asked for again.
    app.get<OfInteraction>(`${PATH}/${name}`, (request, reply) =>
      reply.redirect(pagePath(request.params.uid), 303),
    );
    app.post<OfInteraction>(`${PATH}/${name}`, async (request, reply) => {
      if (!isOwnForm(request, pageSecret(pages, request.params.uid), issuer))
        return problem(reply, 403, 'foreign_form');
      const outcome = await run(interactions, callOf(request, reply), formValues(request));
      return follow(pages, { request, reply, name, outcome });
    });
  }
}

const callOf = (request: FastifyRequest<OfInteraction>, reply: FastifyReply): PageCall => {
  // What the authorization server sends itself has these too.
  for (const [name, value] of Object.entries(EVERY_ANSWER)) reply.raw.setHeader(name, value);
  return {
    request: request.raw,
    response: reply.raw,
    uid: request.params.uid,
    from: visitorOf(request, cookieJar(request, reply).get('device')),
  };
};

/** The address of a page is no secret, so what its forms carry is made from it under a key. */
const pageSecret = ({ formKey }: OauthPages, uid: string): string =>
  createHmac('sha256', formKey).update(uid).digest('base64url');

interface Answered {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The form that was sent; '': none was. */
  readonly name: string;
  readonly outcome: PageOutcome;
}

function follow(pages: OauthPages, { request, reply, name, outcome }: Answered): FastifyReply {
  const { views } = pages;
  switch (outcome.kind) {
    case 'sent':
      return reply.hijack();
    case 'resume':
      return reply.redirect(outcome.path, 303);
    case 'over':
      return sendPage(reply, outcome.why === 'halted' ? 503 : 404, views.problem(outcome.why));
    case 'page': {
      const { page, refusal } = outcome;
      const token = formToken(pageSecret(pages, page.uid));
      const failed = refusal ? { action: name, values: shownValues(formValues(request)), refusal } : null;
      if (refusal?.retry_after !== undefined) void reply.header('retry-after', String(refusal.retry_after));
      return sendPage(reply, statusOf(page.kind, refusal), views.interaction(page, { token, failed }));
    }
  }
}

/** A client that waits has been refused so far. */
const statusOf = (kind: string, refusal: Refusal | undefined): number =>
  refusal?.status ?? (kind === 'waiting' ? 403 : 200);

const sendPage = (reply: FastifyReply, status: number, { headers, html }: ProblemPage): FastifyReply =>
  reply.code(status).headers(headers).send(html);
