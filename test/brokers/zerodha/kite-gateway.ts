// A whole gateway with an account at the simulated Kite: added by the owner, signed in at Kite's page, traded by an agent.
import { generateSync } from 'otplib';
import { expect } from 'vitest';
import { add } from '#cli/account-acts.ts';
import { beginSignIn, finishSignIn } from '#cli/account-sign-in.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway } from '../../support/gateway.ts';
import { handClock } from '../../support/hand-clock.ts';
import { WIDE_MANDATE } from '../../support/trading-room.ts';
import { MONDAY } from './kite-room.ts';
import { openKiteSim, SIM_KEY, SIM_SECRET } from './kite-sim.ts';

const PASSPHRASE = 'a long enough passphrase';

export type KiteGateway = Awaited<ReturnType<typeof openKiteGateway>>;
type Answer = Record<string, unknown>;

export async function openKiteGateway() {
  const clock = handClock(MONDAY);
  const sim = await openKiteSim(clock);
  const gate = await openTestGateway({ clock });

  async function passing<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    while (!settled) {
      await new Promise((turn) => setTimeout(turn, 1));
      await clock.advanceAsync(20);
      // The exchange goes on quoting.
      sim.pushTicks();
    }
    return promise;
  }
  function eventually(check: () => Promise<unknown>) {
    const look = () => passing(new Promise((turn) => setTimeout(turn, 5)).then(check));
    return expect.poll(look, { timeout: 15_000, interval: 1 });
  }
  async function owned(): Promise<() => { readonly passphrase: string; readonly code: string }> {
    const { access } = gate.gateway;
    const made = await access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
    if (!made.ok) throw new Error(made.error.detail);
    const { secret } = access.owner.beginTotp();
    const code = () => generateSync({ secret, epoch: clock.wallMs() / 1_000 });
    if (!access.owner.confirmTotp(code()).ok) throw new Error('the code is wrong');
    clock.advance(30_000);
    return () => ({ passphrase: PASSPHRASE, code: code() });
  }

  let proof: Awaited<ReturnType<typeof owned>> | undefined;
  const atKite = {
    broker: 'zerodha',
    name: 'kite',
    mode: 'live',
    settings: { endpoints: sim.url },
    credentials: { api_key: SIM_KEY, api_secret: SIM_SECRET },
  };
  return {
    clock,
    sim,
    gate,
    /** Time passes while something is waited for. */
    passing,
    eventually,
    /** The one at Zerodha, or another. */
    async addAccount(input: object = atKite): Promise<void> {
      proof ??= await owned();
      clock.advance(30_000);
      const added = await passing(carryOut(add, gate.gateway, { input, proof: proof() }));
      if (!added.ok) throw new Error(JSON.stringify(added.error));
      expect(added.value).toMatchObject({ currency: 'INR' });
    },
    /** Kite's page in the owner's browser, and what it brings back. */
    async signIn(): Promise<unknown> {
      const begun = beginSignIn(gate.gateway, 'kite', 'a session');
      if (!begun.ok) throw new Error(begun.error.detail);
      const page = await fetch(begun.value.url, { redirect: 'manual' });
      const query = Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams);
      return passing(finishSignIn(gate.gateway, 'kite', { session: 'a session', query, by: OWNER_CLI }));
    },
    /** An agent of these accounts that may trade these symbols, by its tools, once the list and the quotes are there. */
    async trader(
      name: string,
      about: { readonly accounts: readonly string[]; readonly symbols: readonly string[] },
    ): Promise<(tool: string, args: object) => Promise<Answer>> {
      const { access } = gate.gateway;
      access.agents.create(name, [...about.accounts], OWNER_CLI);
      const who = access.keys.authenticate(gate.key(name).key, { door: 'http' });
      if (!who.ok) throw new Error(who.error.detail);
      const call = async (tool: string, args: object) => {
        const answer = await passing(gate.call(tool, args, who.value));
        return JSON.parse(JSON.stringify(answer)) as Answer;
      };
      await eventually(() => call('search_instruments', { query: 'INFY' })).toMatchObject({
        output: { instruments: [{ symbol: 'NSE:INFY' }] },
      });
      const asset_classes = [...WIDE_MANDATE.asset_classes, 'future', 'option'];
      const mandate = { ...WIDE_MANDATE, ...about, asset_classes };
      const given = access.mandates.set(name, mandate, OWNER_CLI);
      if (!given.ok) throw new Error(given.error.detail);
      await eventually(() => call('get_quotes', { symbols: ['NSE:INFY'] })).toMatchObject({
        output: { quotes: [{ symbol: 'NSE:INFY', bid: '1499.9', ask: '1500.1', source: 'live' }] },
      });
      return call;
    },
    async close(): Promise<void> {
      await gate.close();
      await sim.close();
    },
  };
}
