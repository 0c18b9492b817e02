/** What the owner may choose of a client: which one is meant, and what it may hold at most; and the name of one, for eyes. */
import { isReadScope, SCOPES, type Scope } from '#domain/principal.ts';
import { excerpt, fieldError, printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CLIENT_NAME_LENGTH_MAX } from '#limits.ts';
import { type ClientRow, withinAsked } from './client-table.ts';
import { fingerprint } from './fingerprint.ts';
import { scopesIn } from './grant-table.ts';

/** Scopes that the client asked for, or that the owner gives to one that named none; never none at all. */
export type Ceiling = readonly Scope[];

/** `chosen` undefined: what it asked for without what writes. */
export function ceilingFor(
  row: Pick<ClientRow, 'asked_scopes'>,
  chosen: readonly Scope[] | undefined,
): Result<Ceiling, Refusal> {
  if (chosen === undefined) {
    const reads = withinAsked(row, SCOPES.filter(isReadScope));
    if (reads.length > 0) return ok(reads);
    return err(
      refuse(
        'invalid_input',
        'This client asked for nothing that only reads; name the scopes that it may hold.',
      ),
    );
  }
  const wanted = SCOPES.filter((scope) => chosen.includes(scope));
  if (wanted.length === 0 || wanted.length < new Set(chosen).size)
    return err(
      refuse('invalid_input', `Name at least one scope of ${SCOPES.join(', ')}, and no other.`, {
        errors: [fieldError('scopes', chosen.join(','), `one or more of ${SCOPES.join(', ')}`)],
      }),
    );
  const within = withinAsked(row, wanted);
  if (within.length === wanted.length) return ok(wanted);
  const asked = scopesIn(row.asked_scopes).join(', ');
  return err(
    refuse(
      'invalid_input',
      `This client registered for ${asked} alone and can not be given more. Remove it and add the connector again to have it ask anew.`,
      { errors: [fieldError('scopes', chosen.join(','), `no more than ${asked}`)] },
    ),
  );
}

export const noSuchClient = (): Refusal =>
  refuse('not_found', 'There is no remote client with this id or fingerprint; see `clients list`.');

/** Of an id at least so much must be given, beyond the `client_` that all have. */
const PREFIX_LENGTH_MIN = 4;
const bare = (id: string): string => id.replace(/^client_/, '');

/** By client_id or credential, the beginning of one, or the fingerprint that its pages show; never by a name it gave itself. */
export function resolveClient(given: string, rows: readonly ClientRow[]): Result<ClientRow, Refusal> {
  const exact = rows.find((row) => row.client_id === given || row.credential === given);
  if (exact) return ok(exact);
  const start = bare(given);
  const begins = (id: string): boolean => start.length >= PREFIX_LENGTH_MIN && bare(id).startsWith(start);
  const found = rows.filter(
    (row) =>
      begins(row.client_id) || begins(row.credential) || fingerprint(row.client_id) === given.toLowerCase(),
  );
  const [one, ...others] = found;
  if (one && others.length === 0) return ok(one);
  return one
    ? err(
        refuse('invalid_input', 'More than one client has an id that begins so; give more of it.', {
          did_you_mean: found.map((row) => row.credential),
        }),
      )
    : err(noSuchClient());
}

/** A name as somebody else chose it, printable and on one line; empty when no letter or digit of it can be shown. */
export function clientName(given: string): string {
  const line = printable(given.slice(0, CLIENT_NAME_LENGTH_MAX * 4).replaceAll(/\s+/g, ' '));
  const name = excerpt(line.replaceAll(/ {2,}/g, ' ').trim(), CLIENT_NAME_LENGTH_MAX).trim();
  return /[\p{L}\p{N}]/u.test(name) ? name : '';
}
