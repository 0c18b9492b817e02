/** A whole gateway with remote MCP on, its owner set up, and what the owner has at hand: a browser and an authenticator. */
import { generateSync } from 'otplib/functional';
import { onTestFinished, vi } from 'vitest';
import type { SecondFactorPurpose } from '#access/owner.ts';
import { wallClock } from '#clock.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import type { Clock } from '#ports.ts';
import { freePort } from './free-port.ts';
import { gatewayFolder, openTestGateway, type TestGateway } from './gateway.ts';
import { type OwnerBrowser, ownerBrowser } from './owner-browserless.ts';
import { NAME, PASSPHRASE } from './owner-room.ts';
import { openTlsFront, type TlsFront } from './tls-front.ts';

export interface RemoteGatewayOptions {
  /** Default: the wall clock, because the tokens' own library reads it. */
  readonly clock?: Clock;
  readonly settings?: Readonly<Record<string, string>>;
  /** Absent: the owner has no authenticator. */
  readonly totp?: readonly SecondFactorPurpose[];
  /** A public host that is reached over TLS, through a proxy; default: loopback, in the clear. */
  readonly host?: string;
  /** Default true. */
  readonly owner?: boolean;
}

export interface OwnerAtHand {
  readonly name: string;
  readonly passphrase: string;
  /** The seed; undefined without an authenticator. */
  readonly seed: string | undefined;
  /** A code that has not been used. Throws when the next one is still to come. */
  code(): string;
}

export interface RemoteGateway {
  /** Of this moment: a restart makes another. */
  readonly test: TestGateway<Clock>;
  readonly gateway: TestGateway<Clock>['gateway'];
  /** `http://127.0.0.1:PORT`, or `https://HOST`; the same after a restart. */
  readonly issuer: string;
  /** What a host is given. */
  readonly resource: string;
  readonly owner: OwnerAtHand;
  /** As whoever is outside reaches it; redirects are not followed. */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** Undefined on loopback. */
  readonly front: TlsFront | undefined;
  /** All lines of all its lives. */
  readonly logged: () => readonly string[];
  /** A browser without cookies. */
  browser(): OwnerBrowser;
  /** On the same data and port, with other settings where some are named. */
  restart(settings?: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

/** The gateway's time and that of everything in this process, together; it goes on by itself once the test has ended. */
export function later(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
  onTestFinished(() => void vi.useRealTimers());
}

export async function openRemoteGateway(options: RemoteGatewayOptions = {}): Promise<RemoteGateway> {
  const clock = options.clock ?? wallClock;
  const folder = gatewayFolder();
  const port = await freePort();
  const { host } = options;
  const front = host === undefined ? undefined : await openTlsFront({ host, port: () => port });
  const issuer = front?.origin ?? `http://127.0.0.1:${port}`;
  const reach = front?.fetch ?? fetchOnce;
  const settings = {
    PORT: String(port),
    MCP_HTTP_ENABLED: 'true',
    MCP_PUBLIC_URL: issuer,
    ...(front === undefined ? {} : { TRUSTED_PROXIES: '127.0.0.1' }),
    ...options.settings,
  };
  const before: string[] = [];
  const open = (over: Readonly<Record<string, string>> = {}): Promise<TestGateway<Clock>> =>
    openTestGateway({ clock, folder, settings: { ...settings, ...over } });
  let test = await open();
  const owner =
    options.owner === false ? nobody : await ownerOf(test.gateway.access.owner, clock, options.totp);
  return {
    get test() {
      return test;
    },
    get gateway() {
      return test.gateway;
    },
    issuer,
    resource: `${issuer}/mcp`,
    owner,
    fetch: reach,
    front,
    logged: () => [...before, ...test.logged],
    browser: () => ownerBrowser(owner, front?.fetch),
    async restart(over) {
      await test.stop();
      before.push(...test.logged);
      test = await open(over);
    },
    async close() {
      await front?.close();
      await test.close();
    },
  };
}

/** On a connection of its own: one that is kept would be the gateway's of before a restart. */
function fetchOnce(url: string | URL, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('connection', 'close');
  return fetch(url, { redirect: 'manual', ...init, headers });
}

const nobody: OwnerAtHand = {
  name: NAME,
  passphrase: PASSPHRASE,
  seed: undefined,
  code: () => {
    throw new Error('this gateway has no owner');
  },
};

const STEP_SECONDS = 30;

async function ownerOf(
  owner: TestGateway<Clock>['gateway']['access']['owner'],
  clock: Clock,
  totp: readonly SecondFactorPurpose[] | undefined,
): Promise<OwnerAtHand> {
  const made = await owner.create({ name: NAME, passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  const seed = totp === undefined ? undefined : owner.beginTotp().secret;
  // Codes of the step before and of the one to come are taken too, so that a test has three of them without waiting.
  let lastStep = 0;
  const code = (): string => {
    if (seed === undefined) throw new Error('this owner has no authenticator');
    const step = Math.floor(clock.wallMs() / 1_000 / STEP_SECONDS);
    lastStep = Math.max(lastStep + 1, step - 1);
    if (lastStep > step + 1) throw new Error('the next code is still to come');
    return generateSync({ secret: seed, epoch: lastStep * STEP_SECONDS });
  };
  if (totp !== undefined) {
    const enrolled = owner.confirmTotp(code());
    if (!enrolled.ok) throw new Error(enrolled.error.detail);
    owner.setPurposes(new Set(totp));
  }
  return { name: NAME, passphrase: PASSPHRASE, seed, code };
}
