/** Remote clients as one room: registration, consent, tokens and grants, for as long as remote MCP is on. */
import type { AuthorizationServer, GrantLedger, SigningDesk } from './parts.ts';
import type { ClientDesk, ConnectionLog, RemoteSettings } from './records.ts';

export interface Oauth {
  readonly clients: ClientDesk;
  readonly connections: ConnectionLog;
  readonly grants: GrantLedger;
  readonly signing: SigningDesk;
  readonly server: AuthorizationServer;
  /** Other settings from here on. */
  change(settings: RemoteSettings): void;
  start(): Promise<void>;
  close(): void;
}
