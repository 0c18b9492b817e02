/** /admin: mounts the pages of the console, and decides before any of them who is asking and whether it is our own form. */
import { Readable } from 'node:stream';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Entrance, EntranceOutcome, Outcome, OwnerVisit, Page, Proof } from '#console/define.ts';
import type { ConsoleServices } from '#console/desks.ts';
import { ENTRANCES, PAGES } from '#console/index.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import type { Assets } from './assets.ts';
import { transportOf } from './console-cookies.ts';
import { openConsoleEvents } from './console-events.ts';
import {
  formCode,
  formValues,
  isOwnForm,
  isTakenInElsewhere,
  shownValues,
  takeForms,
} from './console-forms.ts';
import { type ConsoleRequest, EVENTS_PATH, openConsoleRequests } from './console-request.ts';
import { HELMET } from './console-security.ts';
import { nothingHere } from './problem.ts';
import { pathOf } from './request-head.ts';

const LOGIN = '/admin/login';

export function consoleDoor(app: FastifyInstance, services: ConsoleServices, assets: Assets): void {
  void app.register(cookie);
  void app.register(helmet, HELMET);
  const requests = openConsoleRequests(services, assets);

  takeForms(app);
  app.setErrorHandler((error, request, reply) => requests.of(request, reply).fault(error));
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('cache-control', 'no-store');
    // Before anybody looks whose cookies these are.
    if (isTakenInElsewhere(request)) return reply.code(403).send();
    if (transportOf(request) !== undefined) return undefined;
    return requests.of(request, reply).problem({
      status: 403,
      title: 'Not over plain http',
      detail:
        'The console is served over https, or over http on this machine alone: others would hear the passphrase. Open it as http://127.0.0.1 on the machine itself, or through an SSH tunnel to it.',
    });
  });

  app.get<{ Params: { readonly name: string } }>('/admin/static/:name', (request, reply) =>
    assets.send(request, reply, request.params.name),
  );
  const events = openConsoleEvents(services);
  app.get(EVENTS_PATH, (request, reply) => events.serve(requests.of(request, reply)));
  // A stop waits for answers, and these never end by themselves.
  app.addHook('preClose', async () => events.close());
  for (const page of PAGES) mountPage(app, requests, page);
  for (const entrance of ENTRANCES) mountEntrance(app, requests, entrance);
  app.get('/admin/*', (request, reply) => {
    const asked = requests.of(request, reply);
    return asked.session === undefined ? toLogin(asked) : asked.problem(nothingHere());
  });
}

type Requests = ReturnType<typeof openConsoleRequests>;

// ---- pages of the owner -------------------------------------------------------------------------------------------

function mountPage(app: FastifyInstance, requests: Requests, page: Page): void {
  const path = `/admin${page.path}`;
  const admitted = (
    asked: ConsoleRequest,
  ): { readonly asked: ConsoleRequest; readonly visit: OwnerVisit } | undefined => {
    const { session, anyVisit } = asked;
    return session && { asked, visit: { ...anyVisit, owner: OWNER_CONSOLE, session } };
  };
  app.get(path, async (request, reply) => {
    const came = requests.of(request, reply);
    const admission = admitted(came);
    const { comesBack } = page;
    const cameBack = comesBack !== undefined && came.anyVisit.query[comesBack.by] !== undefined;
    if (admission === undefined) return toLogin(came, cameBack);
    const { asked, visit } = admission;
    const away = page.away(visit);
    if (away !== undefined) return reply.redirect(away, 303);
    if (comesBack === undefined || !cameBack) return asked.page(page, await page.load(visit));
    return answer({
      asked,
      page,
      name: '',
      outcome: await comesBack.run(visit),
      load: () => page.load(visit),
    });
  });
  for (const [name, make] of Object.entries(page.files)) {
    app.get(`${path}/${name}`, async (request, reply) => {
      const came = requests.of(request, reply);
      const admission = admitted(came);
      if (admission === undefined) return toLogin(came);
      const file = make(admission.visit);
      if (!file.ok) return admission.asked.problem(file.error);
      void reply.header('content-disposition', `attachment; filename="${name}"`);
      return reply.type(file.value.type).send(Readable.from(file.value.chunks));
    });
  }
  for (const [name, act] of Object.entries(page.actions)) {
    app.post(`${path}/${name}`, async (request, reply) => {
      const came = requests.of(request, reply);
      const admission = admitted(came);
      if (admission === undefined) return toLogin(came);
      const { asked, visit } = admission;
      if (!isOwnForm(request, asked.token, visit.origin)) return asked.problem(FOREIGN_FORM);
      // A page that has nothing left to show has nothing left to do either.
      const away = page.away(visit);
      if (away !== undefined) return reply.redirect(away, 303);
      const values = formValues(request);
      const load = () => page.load(visit);
      // Nobody types a code for a form that is refused anyway.
      const needed = act.proof(visit, values);
      const refusal = needed === 'none' ? undefined : act.check(visit, values);
      if (refusal !== undefined)
        return answer({ asked, page, name, outcome: { kind: 'refused', refusal }, load });
      const proof = await prove(request, asked, needed);
      if (proof.kind === 'ask' && act.provesItself)
        return answer({
          asked,
          page,
          name,
          outcome: { kind: 'refused', refusal: proof.refusal ?? NO_CODE },
          load,
        });
      if (proof.kind === 'ask') return asked.askForProof(page, { ...proof, what: act.proves(visit, values) });
      return answer({ asked, page, name, outcome: await act.run(visit, values, needed), load });
    });
  }
}

const FOREIGN_FORM = {
  status: 403,
  title: 'Not from this console',
  detail:
    'The form did not come from a page of this console, or from one of an earlier sign-in; nothing was changed. Open the page again and repeat it.',
};

const NO_CODE = refuse(
  'unauthenticated',
  'Nothing was done yet: it takes the code of your authenticator app (your passphrase where none is enrolled) in the same form. What is secret has to be entered again.',
);

type Proved = { readonly kind: 'proved' } | { readonly kind: 'ask'; readonly refusal?: Refusal };

async function prove(request: FastifyRequest, asked: ConsoleRequest, needed: Proof): Promise<Proved> {
  const { session, token, services, anyVisit } = asked;
  if (needed === 'none') return { kind: 'proved' };
  if (session === undefined || token === undefined) return { kind: 'ask' };
  if (needed === 'recent' && services.access.owner.isSteppedUp(session)) return { kind: 'proved' };
  const code = formCode(request);
  if (code === undefined) return { kind: 'ask' };
  const stepped = await services.access.owner.stepUp(token, code, anyVisit.visitor);
  return stepped.ok ? { kind: 'proved' } : { kind: 'ask', refusal: stepped.error };
}

interface Answered {
  readonly asked: ConsoleRequest;
  readonly page: Page | Entrance;
  readonly name: string;
  readonly outcome: Outcome;
  readonly load: () => ReturnType<Page['load']>;
}

async function answer({ asked, page, name, outcome, load }: Answered): Promise<FastifyReply> {
  switch (outcome.kind) {
    case 'go':
      if (outcome.notice !== undefined) asked.notify(outcome.notice);
      return asked.reply.redirect(outcome.to, 303);
    case 'show':
      return asked.page(page, await load(), { shown: outcome.data });
    case 'leave':
      // Not as a redirect: forms of the console lead nowhere else.
      void asked.reply.header('refresh', `0; url=${outcome.to}`);
      return asked.page(page, await load(), { shown: { leaving_to: outcome.to } });
    case 'signed_out':
      asked.jar.clear('session');
      return asked.reply.redirect(outcome.to, 303);
    case 'refused': {
      const values = shownValues(formValues(asked.request));
      return asked.page(page, await load(), { form: { action: name, values, refusal: outcome.refusal } });
    }
  }
}

// ---- entrances ----------------------------------------------------------------------------------------------------

function mountEntrance(app: FastifyInstance, requests: Requests, entrance: Entrance): void {
  const path = `/admin${entrance.path}`;
  const { redeem } = entrance;
  app.get<{ Querystring: { readonly code?: unknown } }>(path, async (request, reply) => {
    const asked = requests.of(request, reply);
    const { code } = request.query;
    if (redeem && typeof code === 'string')
      return follow({ asked, entrance, name: '', outcome: redeem(asked.guestVisit(), code) });
    const away = entrance.away(asked.guestVisit());
    if (away !== undefined) return reply.redirect(away, 303);
    asked.rememberVisit();
    return asked.page(entrance, await entrance.load(asked.guestVisit()));
  });
  for (const [name, act] of Object.entries(entrance.actions)) {
    app.post(`${path}/${name}`, async (request, reply) => {
      const asked = requests.of(request, reply);
      const visit = asked.guestVisit();
      if (!isOwnForm(request, asked.jar.get('visit'), visit.origin)) return asked.problem(FOREIGN_FORM);
      return follow({ asked, entrance, name, outcome: await act.run(visit, formValues(request), 'none') });
    });
  }
}

interface Entered {
  readonly asked: ConsoleRequest;
  readonly entrance: Entrance;
  readonly name: string;
  readonly outcome: EntranceOutcome;
}

async function follow({ asked, entrance, name, outcome }: Entered): Promise<FastifyReply> {
  switch (outcome.kind) {
    case 'ticket':
      asked.jar.set('ticket', outcome.ticket, outcome.expiresAtMs);
      return asked.reply.redirect(outcome.to, 303);
    case 'signed_in':
      asked.signIn(outcome);
      return asked.reply.redirect(outcome.to, 303);
    case 'refused':
      // A one-time link that opens nothing: no page says what it might have opened.
      if (name === '') return asked.problem({ ...nothingHere(), detail: outcome.refusal.detail });
      break;
    case 'go':
    case 'show':
    case 'leave':
    case 'signed_out':
  }
  const load = () => entrance.load(asked.guestVisit());
  return answer({ asked, page: entrance, name, outcome, load });
}

/** Back to where they were going, once they have signed in; not with what another site sent, which is for the session that began it. */
function toLogin(asked: ConsoleRequest, cameBack = false): FastifyReply {
  const { request, reply } = asked;
  const url = request.method === 'GET' && request.url !== '/admin' ? request.url : undefined;
  if (url !== undefined && isLinkOfAnotherSite(request, cameBack)) {
    void reply.header('refresh', `0; url=${url}`);
    return asked.problem(ASKED_AGAIN);
  }
  const wanted = cameBack ? pathOf(request) : url;
  return reply.redirect(wanted === undefined ? LOGIN : `${LOGIN}?next=${encodeURIComponent(wanted)}`, 303);
}

/**
 * The cookie of the session is SameSite=Strict: a browser that follows a link in somebody's mail does not send it, signed in or
 * not. Asked again by a page of ours it does. Looking never acts, and only a person's own press is followed; who comes back from
 * where we sent them brings the word that they were given, and may be brought by that site's script.
 */
const isLinkOfAnotherSite = ({ headers }: FastifyRequest, cameBack: boolean): boolean =>
  headers['sec-fetch-site'] === 'cross-site' && (cameBack || headers['sec-fetch-user'] === '?1');

const ASKED_AGAIN = {
  status: 200,
  title: 'One moment',
  detail:
    'You come from a page of another site, which your browser tells nothing of your session. This page asks once more by itself; if nothing happens, open the address anew.',
};
