/** A whole gateway with an owner who is signed in, agents that have traded, and the console over plain HTTP. */
import { OWNER_CLI, type Principal, SCOPES } from '#domain/principal.ts';
import { signedIn } from './browser.ts';
import { type ConsoleClient, consoleClient } from './console-client.ts';
import { type GatewayOptions, openTestGateway, type TestGateway } from './gateway.ts';
import { meanwhile } from './still-market.ts';
import { WIDE_MANDATE } from './trading-room.ts';

export interface TradingScene {
  readonly gate: TestGateway;
  readonly token: string;
  readonly console: ConsoleClient;
  /** The market goes on until the answer is here. */
  during<T>(asking: Promise<T>): Promise<T>;
  /** An agent that may do anything, as its key presents it. */
  agent(name: string): Principal;
  /** Places an order of the agent's and gives its id. */
  placed(who: Principal, order: Readonly<Record<string, unknown>>): Promise<string>;
  /** The market goes on for so many seconds. */
  play(seconds: number): Promise<void>;
}

export async function tradingScene(options: GatewayOptions = {}): Promise<TradingScene> {
  const gate = await openTestGateway({
    ...options,
    settings: { PAPER_PRESET: 'friendly', ...options.settings },
  });
  await gate.clock.advanceAsync(5_000);
  const token = await signedIn(gate);
  const plain = consoleClient(gate.url, token);
  const during = <T>(asking: Promise<T>): Promise<T> => meanwhile(gate, asking);
  return {
    gate,
    token,
    during,
    console: {
      get: (path, headers) => during(plain.get(path, headers)),
      post: (path, fields, code) => during(plain.post(path, fields, code)),
      follow: (path, fields, code) => during(plain.follow(path, fields, code)),
    },
    agent(name) {
      const { access } = gate.gateway;
      const { key } = gate.key(name, SCOPES);
      const set = access.mandates.set(name, WIDE_MANDATE, OWNER_CLI);
      if (!set.ok) throw new Error(set.error.detail);
      const who = access.keys.authenticate(key, { door: 'http' });
      if (!who.ok) throw new Error(who.error.detail);
      return who.value;
    },
    async placed(who, order) {
      // An account takes only so many orders a second.
      await gate.clock.advanceAsync(1_000);
      const args = { ...order, dry_run: false, idempotency_key: `scene-${gate.clock.wallMs()}` };
      const answer = await during(gate.call('place_order', args, who));
      const made: unknown = answer?.ok === true ? answer.output['order'] : undefined;
      if (typeof made !== 'object' || made === null || !('order_id' in made))
        throw new Error(`no order came of ${JSON.stringify(order)}: ${JSON.stringify(answer)}`);
      return String(made.order_id);
    },
    play: (seconds) => gate.clock.advanceAsync(seconds * 1_000),
  };
}

/** What the form of a page that is sent to `action` would send as it stands: hidden fields, texts, ticked boxes, choices. */
export function formOf(html: string, action: string): Readonly<Record<string, string>> {
  const form = [...html.matchAll(/<form [^>]*action="([^"]*)"[^>]*>([^]*?)<\/form>/g)].find(
    ([, to = '']) => to.replaceAll('&amp;', '&').split('?')[0] === action,
  );
  if (form === undefined) throw new Error(`no form is sent to ${action}`);
  const fields: Record<string, string> = {};
  for (const [tag] of (form[2] ?? '').matchAll(/<input [^>]*>/g)) {
    const of = (attribute: string): string | undefined =>
      new RegExp(`\\b${attribute}="([^"]*)"`).exec(tag)?.[1];
    const name = of('name');
    if (name === undefined || name.startsWith('_')) continue;
    if (['checkbox', 'radio'].includes(of('type') ?? '') && !tag.includes(' checked')) continue;
    fields[name] = of('value') ?? '';
  }
  for (const [, name = '', options = ''] of (form[2] ?? '').matchAll(
    /<select [^>]*name="([^"]*)"[^>]*>([^]*?)<\/select>/g,
  ))
    fields[name] =
      (/<option value="([^"]*)" selected/.exec(options) ?? /<option value="([^"]*)"/.exec(options))?.[1] ??
      '';
  return fields;
}

/** The cells of the first table of a page, row by row, as words. */
export function rowsOf(html: string): readonly (readonly string[])[] {
  const body = /<tbody>([^]*?)<\/tbody>/.exec(html)?.[1] ?? '';
  return [...body.matchAll(/<tr[^>]*>([^]*?)<\/tr>/g)].map(([, row = '']) =>
    [...row.matchAll(/<td[^>]*>([^]*?)<\/td>/g)].map(([, cell = '']) =>
      cell
        .replaceAll(/<[^>]*>/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .replaceAll(' .', '.')
        .trim(),
    ),
  );
}
