/** What a browser has before it: the interaction that its cookie leads to, and the way on from there. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { errors, type InteractionResults } from 'oidc-provider';
import type { Access } from '#access/access.ts';
import { SCOPES, type Scope } from '#domain/principal.ts';
import { canonicalPage } from './canonical.ts';
import type { AuthorizationServer, InteractionAnswer, InteractionSeen, RemoteClients } from './parts.ts';
import { OWNER_ACCOUNT } from './provider.ts';
import type { RemoteSettings } from './records.ts';

export interface PageParts {
  readonly provider: () => Provider;
  readonly access: Pick<Access, 'gatewayState'>;
  readonly clients: Pick<RemoteClients, 'ceiling'>;
  readonly settings: () => RemoteSettings;
  readonly issuer: () => string;
  readonly resource: () => string;
  readonly inExchange: <T>(request: IncomingMessage, work: () => Promise<T>) => Promise<T>;
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>;
/** What each prompt may be answered with; `refused` always. */
const ANSWERS = { approval: 'again', login: 'signed_in', consent: 'granted' } as const;
type PromptName = keyof typeof ANSWERS;
/** Kept with the sign-in that it is of. */
const SIGNED_IN_AT = 'signedInAtMs';
const isPrompt = (name: string): name is PromptName => Object.hasOwn(ANSWERS, name);

export function browserPages(parts: PageParts): Pick<AuthorizationServer, 'interaction' | 'finish'> {
  return {
    interaction: (request, response) =>
      parts.inExchange(request, async () => {
        const found = await detailsOf(request, response, parts);
        return found && seen(found, parts);
      }),
    finish: (request, response, answer) =>
      parts.inExchange(request, async () => {
        const found = await detailsOf(request, response, parts);
        if (!found || !fits(found, answer)) return false;
        const result = await resultOf(found, answer, parts);
        await parts.provider().interactionFinished(canonicalPage(request, parts.issuer()), response, result);
        return true;
      }),
  };
}

/** What the cookie leads to; whether that is the page that was asked for is for the caller to say. */
async function detailsOf(
  request: IncomingMessage,
  response: ServerResponse,
  { provider, access, issuer }: PageParts,
): Promise<Details | undefined> {
  if (access.gatewayState() === 'HALTED') return undefined;
  try {
    return await provider().interactionDetails(canonicalPage(request, issuer()), response);
  } catch (cause) {
    if (cause instanceof errors.SessionNotFound) return undefined;
    throw cause;
  }
}

function seen(
  { uid, exp, prompt, params, lastSubmission }: Details,
  parts: PageParts,
): InteractionSeen | undefined {
  if (!isPrompt(prompt.name)) return undefined;
  const clientId = textOf(params, 'client_id');
  const asked = textOf(params, 'scope').split(' ');
  const ceiling = parts.clients.ceiling(clientId);
  const offered = (scope: Scope): boolean => asked.includes(scope) && ceiling.includes(scope);
  return {
    uid,
    prompt: prompt.name,
    clientId,
    redirectUri: textOf(params, 'redirect_uri'),
    scopes: parts.settings().scopesEnabled.filter(offered),
    signedInAtMs: signInTime(lastSubmission),
    expiresAtMs: exp * 1_000,
  };
}

function signInTime(submitted: Details['lastSubmission']): number | undefined {
  const at = submitted?.login?.[SIGNED_IN_AT];
  return typeof at === 'number' ? at : undefined;
}

function textOf(params: Details['params'], name: string): string {
  const value = params[name];
  return typeof value === 'string' ? value : '';
}

/** Nobody consents who has not signed in within this request, and nothing is answered that was not asked. */
function fits({ prompt, lastSubmission }: Details, { kind }: InteractionAnswer): boolean {
  if (!isPrompt(prompt.name)) return false;
  if (kind === 'granted' && lastSubmission?.login === undefined) return false;
  return kind === 'refused' || ANSWERS[prompt.name] === kind;
}

async function resultOf(
  details: Details,
  answer: InteractionAnswer,
  { provider, resource }: PageParts,
): Promise<InteractionResults> {
  switch (answer.kind) {
    case 'again':
      return {};
    case 'signed_in':
      return { login: { accountId: OWNER_ACCOUNT, remember: false, [SIGNED_IN_AT]: answer.atMs } };
    case 'refused':
      return { error: answer.error, error_description: answer.description };
    case 'granted': {
      const { Grant } = provider();
      const grant = new Grant({
        jti: answer.grantId,
        accountId: OWNER_ACCOUNT,
        clientId: textOf(details.params, 'client_id'),
      } as ConstructorParameters<typeof Grant>[0]);
      const ticked = new Set<string>(answer.scopes);
      grant.addResourceScope(resource(), [...ticked].join(' '));
      // What was not ticked is refused by name, or the same page would come again.
      const unticked = SCOPES.filter((scope) => !ticked.has(scope));
      if (unticked.length > 0) grant.rejectResourceScope(resource(), unticked.join(' '));
      await grant.save();
      return { consent: { grantId: answer.grantId } };
    }
  }
}
