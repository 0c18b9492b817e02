/** Signing in at a broker's own page: begun by the owner, finished once by what the broker sends back with them. */
import type { Owner } from '#domain/principal.ts';
import { printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ACCOUNT_TRIAL_MAX_MS } from '#limits.ts';
import { within } from '#trading/outside.ts';
import { accountNamed, signed } from './account-book.ts';
import { alone } from './account-connections.ts';
import type { Office } from './office.ts';

/** The broker's page to go to. `session`: of the console, or a name for the command line. */
export function beginSignIn(
  office: Office,
  name: string,
  session: string,
): Result<{ readonly url: string }, Refusal> {
  const found = signInOf(office, name);
  if (!found.ok) return found;
  const { engine, account, signIn } = found.value;
  return ok({ url: signIn.url(engine.accountConnections.signIns.begin(account, session)) });
}

export interface CameBack {
  readonly session: string;
  /** What the broker sent back with the owner. */
  readonly query: Readonly<Record<string, string>>;
  readonly by: Owner;
}

/** Makes a session of it, once: a state that was not given here, or was used, finishes nothing. */
export async function finishSignIn(
  office: Office,
  name: string,
  { session, query, by }: CameBack,
): Promise<Result<undefined, Refusal>> {
  const found = signInOf(office, name);
  if (!found.ok) return found;
  const { engine, account, signIn } = found.value;
  if (!engine.accountConnections.signIns.take(query['state'] ?? '', account, session))
    return err(
      refuse(
        'unauthenticated',
        'This sign-in was not begun here, was finished already, or took too long. Begin it again; nothing was changed.',
      ),
    );
  return alone(office, account, async () => {
    const finished = await within(office, signIn.finish(query), ACCOUNT_TRIAL_MAX_MS);
    const why =
      finished === undefined
        ? 'The broker did not answer in time.'
        : finished.ok
          ? undefined
          : finished.error;
    office.store.transaction(() =>
      office.audit.record({
        kind: 'broker.signed_in',
        ...signed(by),
        account,
        outcome: why === undefined ? 'ok' : 'rejected',
      }),
    );
    return why === undefined
      ? ok(undefined)
      : err(refuse('broker_unavailable', `The sign-in is not finished: ${printable(why)}`));
  });
}

function signInOf(office: Office, name: string) {
  const account = accountNamed(office, name);
  if (!account.ok) return account;
  const { id } = account.value;
  const { engine } = office;
  if (engine === undefined)
    return err(refuse('broker_unavailable', 'No gateway runs: start it, and sign in then.'));
  const signIn = engine.adapters.get(id)?.signIn;
  return signIn === undefined
    ? err(
        refuse(
          'invalid_input',
          engine.accountConnections.whyNot(id) ?? `${id} needs no sign-in: its credentials are all it takes.`,
        ),
      )
    : ok({ engine, account: id, signIn });
}
