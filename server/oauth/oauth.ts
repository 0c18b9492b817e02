/** Remote clients as one room: registration, consent, tokens and grants, for as long as remote MCP is on. */
import type { Access } from '#access/access.ts';
import type { RemoteCredentials } from '#access/remote.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Clock } from '#ports.ts';
import type { AccountTable } from '#store/accounts.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { openAuthorizationServer } from './authorization-server.ts';
import type { Clients } from './clients.ts';
import { consentApproval } from './consent-approval.ts';
import type { Grants } from './grants.ts';
import type { Interactions } from './interaction-pages.ts';
import { openInteractions } from './interactions.ts';
import type { AuthorizationServer, SigningDesk } from './parts.ts';
import type { ConnectionLog, RemoteSettings } from './records.ts';
import { openRegistration, type Registration } from './registration.ts';
import { openRemoteCredentials } from './remote-credentials.ts';
import { openSigningKeys } from './signing-keys.ts';

export interface Oauth {
  readonly clients: Clients;
  readonly grants: Grants;
  readonly connections: ConnectionLog;
  readonly signing: SigningDesk;
  readonly server: AuthorizationServer;
  readonly registration: Registration;
  readonly interactions: Interactions;
  /** What access tokens are checked by. */
  readonly remote: RemoteCredentials;
  /** What the forms of its pages are protected with; kept, so that a page outlives a restart. */
  readonly formKey: Buffer;
  /** Other settings from here on; the public URL stays. */
  change(settings: RemoteSettings): void;
  /** What has a schedule begins: keys, and the deletion of what is dead. */
  start(): void;
  close(): void;
}

export interface OauthOptions {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly access: Access;
  readonly keyring: Keyring;
  readonly accounts: Pick<AccountTable, 'byId'>;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly connections: ConnectionLog;
  readonly settings: RemoteSettings;
  /** What went wrong inside; nobody outside is told of it. */
  readonly onFault: (cause: unknown) => void;
}

/** Throws StoreError when a key's file is there and can not be used. */
export function openOauth(o: OauthOptions): Oauth {
  const { access, keyring, clients, connections } = o;
  let acting = o.settings;
  const settings = (): RemoteSettings => acting;
  const signing = openSigningKeys({ ...o, wall: access.wall });
  const server = openAuthorizationServer({
    ...o,
    settings,
    signing,
    clients: clients.known,
    cookieKey: keyring.secret('oauth-cookies').toString('base64url'),
  });
  const registration = openRegistration({
    ...o,
    scopesEnabled: () => acting.scopesEnabled,
    issuer: acting.publicUrl.origin,
  });
  const approval = consentApproval(clients, settings);
  return {
    clients,
    grants: o.grants,
    connections,
    signing,
    server,
    registration,
    interactions: openInteractions({ ...o, settings, server, approval }),
    remote: openRemoteCredentials({ ...o, keys: signing, publicUrl: acting.publicUrl }),
    formKey: keyring.secret('oauth-forms'),
    change(next) {
      acting = { ...next, publicUrl: acting.publicUrl };
    },
    start() {
      signing.start(o.onFault);
      server.start();
      registration.start();
    },
    close() {
      server.close();
      signing.close();
      registration.close();
    },
  };
}
