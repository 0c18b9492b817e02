/** The daily session at Kite: signing in on its page, what ends it, and the watch over its end. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { err, ok, type Result } from '#domain/result.ts';
import { KITE_SESSION_WARNING_MS } from '#limits.ts';
import type { BrokerSignIn, Clock } from '#ports.ts';
import type { KiteClient } from './client.ts';
import { sessionEndAfter, toIst } from './kite-time.ts';
import type { KiteMemory } from './memory.ts';
import type { ZerodhaCredentials } from './settings.ts';

export interface SessionWatch {
  /** The token while its day lasts. */
  token(): string | undefined;
  endsAtMs(): number | undefined;
  /** One sentence: no session, or one that ends soon; undefined while there is nothing to say. */
  trouble(): string | undefined;
  /** Kite refused this token: it is forgotten, unless a newer one has come. */
  ended(token: string): void;
  readonly signIn: BrokerSignIn;
  close(): void;
}

export interface SessionOptions {
  readonly memory: KiteMemory;
  readonly clock: Clock;
  readonly credentials: ZerodhaCredentials;
  readonly loginUrl: string;
  readonly client: () => KiteClient;
  /** A session began or ended. */
  readonly onChange: (why: string) => void;
}

const signedIn = z.object({
  access_token: z.string().min(1),
  user_id: z.string().min(1),
  api_key: z.string(),
});

export function watchSession(options: SessionOptions): SessionWatch {
  const { memory, clock, credentials } = options;
  let stopTimer: (() => void) | undefined;

  const live = () => {
    const session = memory.session();
    return session !== undefined && clock.wallMs() < session.endsMs ? session : undefined;
  };
  function watchEnd(): void {
    stopTimer?.();
    const session = memory.session();
    if (session === undefined) return;
    const leftMs = session.endsMs - clock.wallMs();
    if (leftMs <= 0) return end(session.token, 'the day’s session at Kite is over');
    stopTimer = clock.after(leftMs, watchEnd);
  }
  function end(token: string, why: string): void {
    if (memory.session()?.token !== token) return;
    memory.end(token);
    stopTimer?.();
    options.onChange(`${why}; the owner has to sign in there`);
  }

  const signIn: BrokerSignIn = {
    url(state) {
      const url = new URL(options.loginUrl);
      url.searchParams.set('v', '3');
      url.searchParams.set('api_key', credentials.api_key);
      // Kite appends these to the address that it sends the owner back to.
      url.searchParams.set('redirect_params', String(new URLSearchParams({ state })));
      return String(url);
    },
    async finish(query): Promise<Result<undefined, string>> {
      const token = query['request_token'] ?? '';
      const status = query['status'] ?? 'success';
      if (status !== 'success' || !/^[A-Za-z0-9]{8,128}$/.test(token))
        return err('Kite sent you back without a sign-in. Begin it again.');
      const checksum = createHash('sha256')
        .update(`${credentials.api_key}${token}${credentials.api_secret}`)
        .digest('hex');
      const answer = await options.client().ask({
        kind: 'read',
        method: 'POST',
        path: '/session/token',
        body: { kind: 'form', fields: { api_key: credentials.api_key, request_token: token, checksum } },
      });
      if (answer.kind !== 'data')
        return err(
          `Kite did not begin a session: ${answer.reason} A sign-in counts once and for minutes: begin it again.`,
        );
      const told = signedIn.safeParse(answer.data);
      if (!told.success || told.data.api_key !== credentials.api_key)
        return err('Kite’s answer to the sign-in was not understood. Nothing was changed.');
      const { user_id: user, access_token: access } = told.data;
      if (memory.user() !== undefined && memory.user() !== user)
        return err(
          'This is another user at Kite than the one this account was opened for. Nothing was changed.',
        );
      const startedMs = clock.wallMs();
      memory.begin(user, { token: access, startedMs, endsMs: sessionEndAfter(startedMs) });
      watchEnd();
      options.onChange('the owner signed in at Kite');
      return ok(undefined);
    },
  };

  watchEnd();
  return {
    token: () => live()?.token,
    endsAtMs: () => live()?.endsMs,
    trouble() {
      const session = live();
      if (session === undefined) return 'There is no session at Kite today: sign in there.';
      const leftMs = session.endsMs - clock.wallMs();
      if (leftMs > KITE_SESSION_WARNING_MS) return undefined;
      const minutes = Math.ceil(leftMs / 60_000);
      const left = minutes === 1 ? '1 minute' : `${minutes} minutes`;
      return `The session at Kite ends at ${toIst(session.endsMs).slice(11, 16)} India time, in ${left}: sign in again after that.`;
    },
    ended: (token) => end(token, 'Kite ended the session'),
    signIn,
    close: () => stopTimer?.(),
  };
}
