/** Lists and reads resources for a caller: what its scopes open, in the words of the tool behind each, through the dispatcher. */
import type { Door, Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { RESOURCE_SYMBOLS_MAX } from '#limits.ts';
import { callersMarket, type MarketServices } from './callers-market.ts';
import type { Dispatcher } from './dispatch.ts';
import { expand, match, misspelt, notAResource, type Segments, segmentsOfUri } from './resource-uri.ts';
import { mayRead, RESOURCES, type Resource, type Seen } from './resources.ts';

export const RESOURCE_MIME_TYPE = 'application/json';

/** A resource under one address: a template with its variables filled in, or one without any. */
export interface ListedResource {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly resource: Resource;
}

export interface FoundResource {
  readonly resource: Resource;
  readonly values: Readonly<Record<string, string>>;
}

export interface ResourceReader {
  /** Those that stand under one address, the caller's accounts and the symbols with a feed among them. */
  list(principal: Principal): readonly ListedResource[];
  /** Those with a variable. */
  templates(principal: Principal): readonly Resource[];
  find(uri: string): Result<FoundResource, Refusal>;
  read(uri: string, by: Reader): Promise<Result<object, Refusal>>;
  /** Reads it once, as the caller: who may not read a resource does not hear of it either. */
  follow(uri: string, by: Reader): Promise<Result<Followed, Refusal>>;
}

export interface Reader {
  readonly principal: Principal;
  readonly via: Door;
}

/** A resource that somebody follows. */
export interface Followed {
  /** As of now: an agent may be given further accounts. */
  topics(principal: Principal): readonly string[];
  /** Keeps the quotes that it is about current, as the caller's accounts are now; returns what lets them go. */
  keep(principal: Principal): () => void;
  /** Asked again before every notice. */
  mayHear(principal: Principal): boolean;
}

const SINGLE = RESOURCES.filter(({ variables }) => variables.length === 0);
const TEMPLATES = RESOURCES.filter(({ variables }) => variables.length > 0);

export function openResourceReader(services: MarketServices, dispatcher: Dispatcher): ResourceReader {
  function find(uri: string): Result<FoundResource, Refusal> {
    const segments = segmentsOfUri(uri);
    if (!segments.ok) return segments;
    for (const resource of [...SINGLE, ...TEMPLATES]) {
      const values = match(resource.segments, segments.value);
      if (values) return ok({ resource, values });
    }
    const meant = withItsSlash(segments.value);
    return err(meant === undefined ? notAResource() : misspelt(meant));
  }

  /** BTC/USD is most easily written as two segments; only a symbol that exists is worth suggesting. */
  function withItsSlash(segments: Segments): string | undefined {
    const symbol = segments.slice(1).join('/');
    const instrument = services.book.resolve(symbol, services.markets.scopesOf([]));
    if (!instrument.ok) return undefined;
    const resource = TEMPLATES.find(
      (template) => match(template.segments, [segments[0] ?? '', symbol])?.['symbol'],
    );
    return resource && expand(resource.segments, { symbol });
  }

  /** What can be named beforehand: orders come and go, and are found through the list of them. */
  function known(principal: Principal, resource: Resource): readonly Readonly<Record<string, string>>[] {
    const [variable, another] = resource.variables;
    if (another !== undefined) return [];
    switch (variable) {
      case 'account':
        return services.access.agents.accountsOf(principal.agent).map((account) => ({ account }));
      case 'symbol':
        return callersMarket(services, principal)
          .feed.instruments()
          .slice(0, RESOURCE_SYMBOLS_MAX)
          .map(({ symbol }) => ({ symbol }));
      case 'order_id':
      case undefined:
        return [];
      default:
        return variable satisfies never;
    }
  }

  async function read(uri: string, { principal, via }: Reader): Promise<Result<object, Refusal>> {
    const found = find(uri);
    if (!found.ok) return found;
    const { resource, values } = found.value;
    const { tool, args } = resource;
    const answer = await dispatcher.call({ tool: tool.name, args: args(values), principal, via });
    if (answer === null) throw new Error(`the resource ${resource.name} names no tool`);
    return answer.ok ? ok(answer.output) : err(answer.refusal);
  }

  return {
    list(principal) {
      const single = SINGLE.filter((resource) => mayRead(principal, resource)).map(
        (resource): ListedResource => ({ ...resource, uri: resource.template, resource }),
      );
      const filled = TEMPLATES.filter((resource) => mayRead(principal, resource)).flatMap((resource) =>
        known(principal, resource).map((values) => filledIn(resource, values)),
      );
      return [...single, ...filled];
    },
    templates: (principal) => TEMPLATES.filter((resource) => mayRead(principal, resource)),
    find,
    read,
    async follow(uri, by) {
      const found = find(uri);
      if (!found.ok) return found;
      const answer = await read(uri, by);
      return answer.ok ? ok(followed(services, found.value)) : answer;
    },
  };
}

const valueOf = <T>(found: Result<T, Refusal>): T | undefined => (found.ok ? found.value : undefined);

function followed(services: MarketServices, { resource, values }: FoundResource): Followed {
  const accountsOf = (principal: Principal) => services.access.agents.accountsOf(principal.agent);
  function seenBy(principal: Principal): Seen {
    const { feed, resolve } = callersMarket(services, principal);
    return {
      agent: principal.agentName,
      accounts: accountsOf(principal),
      instruments: feed.instruments().map(({ id }) => id),
      instrumentOf: (symbol) => valueOf(resolve(symbol ?? ''))?.id,
    };
  }
  return {
    topics: (principal) => resource.topics(seenBy(principal), values),
    keep(principal) {
      const quotes = resource.quotes(seenBy(principal), values);
      return quotes.length === 0
        ? () => undefined
        : callersMarket(services, principal).feed.hold(quotes, 'watched');
    },
    mayHear: (principal) =>
      mayRead(principal, resource) &&
      (values['account'] === undefined || accountsOf(principal).some((id) => id === values['account'])),
  };
}

function filledIn(resource: Resource, values: Readonly<Record<string, string>>): ListedResource {
  const uri = expand(resource.segments, values);
  if (uri === undefined) throw new Error(`${resource.template} is not filled in`);
  const which = Object.values(values).join(' ');
  return {
    uri,
    name: `${resource.name}:${which}`,
    title: `${resource.title}: ${which}`,
    description: resource.describe(values),
    resource,
  };
}
