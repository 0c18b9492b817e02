/** Access tokens as the authorization server signs them, or as somebody else would like to; and the room that judges them. */
import { createPrivateKey, sign } from 'node:crypto';
import type { Presentation } from '#access/authenticate.ts';
import type { RemoteCredentials } from '#access/remote.ts';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { RemoteGrant } from '#oauth/records.ts';
import { openRemoteCredentials } from '#oauth/remote-credentials.ts';
import { openSigningKeys, type SigningKeys } from '#oauth/signing-keys.ts';
import type { ClientRoom } from './client-room.ts';

export const PUBLIC_URL = new URL('https://gate.example.com');
export const RESOURCE = 'https://gate.example.com/mcp';
export const FROM_AFAR: Presentation = { door: 'http', address: '198.51.100.9' };
export const ACCESS_TTL_SECONDS = 900;

export interface TokenClaims {
  readonly [claim: string]: unknown;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token by the key that signs now, of what is given and nothing else. */
export function signed(
  signing: Pick<SigningKeys, 'jwks'>,
  claims: TokenClaims,
  header: TokenClaims = {},
): string {
  const [jwk] = signing.jwks();
  if (!jwk) throw new Error('no key signs');
  const content = `${part({ alg: 'RS256', typ: 'at+jwt', kid: jwk.kid, ...header })}.${part(claims)}`;
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
}

/** What a token of a grant says, all of the grant's scopes unless told otherwise. */
export const claimsOf = (grant: RemoteGrant, wallMs: number): TokenClaims => {
  const iat = Math.floor(wallMs / 1_000);
  return {
    jti: `token-of-${grant.grantId}`,
    sub: 'owner',
    iss: PUBLIC_URL.origin,
    aud: RESOURCE,
    iat,
    exp: iat + ACCESS_TTL_SECONDS,
    scope: grant.scopes.join(' '),
    client_id: grant.clientId,
    gid: grant.grantId,
    ep: grant.epoch,
  };
};

export interface TokenRoom extends ClientRoom {
  readonly signing: SigningKeys;
  readonly remote: RemoteCredentials;
  /** The steps that were noted, as `step: outcome`. */
  readonly noted: readonly string[];
  /** A token of that grant, as it would be made now. */
  token(grantId: string, over?: TokenClaims, header?: TokenClaims): string;
  /** As somebody far away presents it at /mcp. */
  present(token: string, from?: Presentation): Result<Principal, Refusal>;
}

/** Tokens of the room's grants open what access guards from here on. */
export function tokenRoom(room: ClientRoom): TokenRoom {
  const { store, audit, clock, access, keyring, grants } = room;
  const signing = openSigningKeys({ store, audit, clock, wall: access.wall, keyring });
  const noted: string[] = [];
  const connections = {
    note: (step: string, _from: object, outcome: string) => void noted.push(`${step}: ${outcome}`),
  };
  const remote = openRemoteCredentials({
    audit,
    access,
    grants,
    keys: signing,
    connections,
    publicUrl: PUBLIC_URL,
  });
  access.servesRemote(remote);
  return {
    ...room,
    signing,
    remote,
    noted,
    token(grantId, over = {}, header = {}) {
      const grant = grants.find(grantId);
      if (!grant) throw new Error(`no grant ${grantId}`);
      return signed(signing, { ...claimsOf(grant, access.wall()), ...over }, header);
    },
    present: (token, from = FROM_AFAR) => access.remote.authenticate(token, from),
  };
}
