/** Who is served where: decides from a request's head alone, before any route, whether it may come in and to what. */
import { isIPv4 } from 'node:net';
import { addressList, canonicalAddress, parseRange } from '#access/address.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { type HttpProblem, httpProblem, nothingHere } from './problem.ts';

export interface PerimeterSettings {
  /** PORTCULLIS_ALLOWED_HOSTS: names, with or without a port. */
  readonly allowedHosts: readonly string[];
  /** MCP_HTTP_IP_ALLOWLIST: addresses and CIDR blocks. */
  readonly ipAllowlist: readonly string[];
  /** TRUSTED_PROXIES: whose word about the client's address is believed. */
  readonly trustedProxies: readonly string[];
  /** MCP_PUBLIC_URL while remote MCP is on; undefined while it is off. */
  readonly publicUrl: URL | undefined;
  readonly publicConsole: boolean;
  readonly publicRest: boolean;
  /** MCP_HTTP_CORS_ORIGINS: browsers of these may call while remote MCP is on. */
  readonly corsOrigins: readonly string[];
}

/** The head of a request, as plain data. */
export interface RequestHead {
  /** Path without query. */
  readonly path: string;
  /** Every Host header as sent: more than one is an attack on whoever reads the other. */
  readonly hosts: readonly string[];
  readonly origin: string | undefined;
  /** Names of all headers, lower case. */
  readonly headerNames: readonly string[];
  /** The address of the connection itself. */
  readonly peer: string;
  /** The address the trusted proxies vouch for; `peer` without them. */
  readonly client: string;
}

/** `inside`: loopback or a host the owner named; `public`: the host of MCP_PUBLIC_URL. */
export type Place = 'inside' | 'public';
export interface Admission {
  readonly place: Place;
  /** From this machine itself, through no proxy or tunnel. */
  readonly local: boolean;
}
export type Perimeter = (head: RequestHead) => Result<Admission, Refusal | HttpProblem>;

/** What proxies and tunnels add. Its presence means that the peer is not the one who asks. */
const FORWARDING_HEADERS: ReadonlySet<string> = new Set([
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cf-ray',
  'fly-client-ip',
  'fastly-client-ip',
  'x-original-forwarded-for',
  'x-original-host',
]);
const isForwarding = (name: string): boolean =>
  FORWARDING_HEADERS.has(name) || name.startsWith('x-forwarded');

interface HostName {
  readonly name: string;
  readonly port: string;
}

/** RFC 9112 section 3.2: a name or address with an optional port; anything else is not a host. */
export function parseHost(given: string): HostName | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)(?::(\d{1,5}))?$/i.exec(given);
  if (!match) return undefined;
  return { name: (match[1] ?? '').toLowerCase(), port: match[2] ?? '' };
}

/** `127.0.0.1.evil.example` is a name like any other: the whole address must be loopback. */
export function isLoopbackName(name: string): boolean {
  if (name === 'localhost' || name === '[::1]') return true;
  return isIPv4(name) && name.startsWith('127.');
}

export function isLoopbackAddress(given: string): boolean {
  const canonical = canonicalAddress(given);
  if (canonical?.family === 'ipv4') return canonical.address.startsWith('127.');
  return canonical?.address === '::1';
}

/** Throws on what is not an address or a range: the configuration is checked before it comes here. */
function listOf(ranges: readonly string[]): (address: string) => boolean {
  const list = addressList(
    ranges.map((given) => {
      const range = parseRange(given);
      if (!range.ok) throw new RangeError(`${JSON.stringify(given)} is not ${range.error}`);
      return range.value;
    }),
  );
  return (address) => list.admits(address);
}

const misdirected = (): HttpProblem =>
  httpProblem(
    421,
    'misdirected',
    'Misdirected request',
    'This gateway does not answer under that Host. On its own machine use 127.0.0.1 or localhost, from elsewhere exactly the name in MCP_PUBLIC_URL; the owner may add another in PORTCULLIS_ALLOWED_HOSTS.',
  );

const isUnder = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

/**
 * What MCP_HTTP_IP_ALLOWLIST leaves alone while remote MCP is on. A host's servers call /mcp from addresses that can be listed;
 * the owner who signs in comes from another one, as may whoever fetches a token or looks where to. Everything else is guarded,
 * however its path is spelled.
 */
const isForEverybody = (path: string): boolean =>
  ['/healthz', '/authorize', '/token', '/register'].includes(path) ||
  isUnder(path, '/oauth') ||
  isUnder(path, '/.well-known');

/** On the public host only these are answered, whatever else is mounted. */
function servedPublicly(path: string, settings: PerimeterSettings): boolean {
  const under = (prefix: string): boolean => isUnder(path, prefix);
  if (path === '/' || path === '/mcp' || isForEverybody(path)) return true;
  if (settings.publicConsole && under('/admin')) return true;
  return settings.publicRest && (under('/api/v1') || under('/docs'));
}

export function perimeter(settings: PerimeterSettings): Perimeter {
  const onList = listOf(settings.ipAllowlist);
  const trusted = listOf(settings.trustedProxies);
  /** What came through a proxy that nobody vouches for came from anywhere, whatever address the proxy itself has. */
  const listed = (head: RequestHead, forwarded: boolean): boolean =>
    (!forwarded || trusted(head.peer)) && onList(head.client);
  const named = settings.allowedHosts
    .map((host) => parseHost(host))
    .filter((host): host is HostName => host !== undefined);
  const publicHost = settings.publicUrl && parseHost(settings.publicUrl.host);
  const publicIsLoopback = publicHost !== undefined && isLoopbackName(publicHost.name);
  const browserOrigins = new Set(settings.publicUrl ? settings.corsOrigins : []);

  const isNamed = (host: HostName): boolean =>
    named.some((one) => one.name === host.name && (one.port === '' || one.port === host.port));
  const isPublic = (host: HostName): boolean => publicHost?.name === host.name;
  const isOurs = (host: HostName): boolean => isLoopbackName(host.name) || isNamed(host) || isPublic(host);

  function originAllowed(origin: string): boolean {
    if (browserOrigins.has(origin)) return true;
    const match = /^https?:\/\/([^/]+)$/i.exec(origin);
    const host = match?.[1] === undefined ? undefined : parseHost(match[1]);
    return host !== undefined && isOurs(host);
  }

  interface Peer {
    readonly forwarded: boolean;
    readonly local: boolean;
  }
  function peerOf(head: RequestHead): Peer {
    const forwarded = head.headerNames.some(isForwarding);
    return { forwarded, local: !forwarded && isLoopbackAddress(head.peer) };
  }

  function refusePeer(head: RequestHead, host: HostName, { forwarded, local }: Peer): Refusal | undefined {
    // Reset before it was read: who has no address must not pass for a socket of this machine, which has none either.
    if (head.peer === '')
      return refuse('ip_not_allowed', 'Who asks can not be told: the connection has ended.');
    if (settings.publicUrl === undefined) {
      if (forwarded)
        return refuse(
          'ip_not_allowed',
          'The request came through a proxy or tunnel while remote access is off; connect directly on this machine, or let the owner turn remote MCP on.',
        );
      if (local || onList(head.peer)) return undefined;
      return refuse(
        'ip_not_allowed',
        "This address may not connect while remote access is off; connect on the gateway's machine, or let the owner add the address to MCP_HTTP_IP_ALLOWLIST.",
      );
    }
    // Behind a tunnel that rewrites Host, everybody would be "localhost": the loopback name is for this machine only.
    if (isLoopbackName(host.name) && !publicIsLoopback && !local && !listed(head, forwarded))
      return refuse(
        'ip_not_allowed',
        "The loopback name is answered on the gateway's machine only; use its public address.",
      );
    if (isForEverybody(head.path)) return undefined;
    if (settings.ipAllowlist.length === 0 || local || listed(head, forwarded)) return undefined;
    return refuse(
      'ip_not_allowed',
      'This address is not on the list of those that may connect; the owner keeps it in MCP_HTTP_IP_ALLOWLIST.',
    );
  }

  return (head) => {
    const [given, ...more] = head.hosts;
    const host = given === undefined || more.length > 0 ? undefined : parseHost(given);
    if (!host || !isOurs(host)) return err(misdirected());
    // RFC 9112, section 3.2.2: an absolute address overrides Host. It is how proxies are asked, and this is none.
    if (/^[^/*]/.test(head.path)) return err(misdirected());
    const peer = peerOf(head);
    const refused = refusePeer(head, host, peer);
    if (refused) return err(refused);
    if (head.origin !== undefined && !originAllowed(head.origin))
      return err(
        httpProblem(
          403,
          'foreign_origin',
          'Foreign origin',
          'A web page of another origin may not call this gateway; while remote MCP is on, those in MCP_HTTP_CORS_ORIGINS may.',
        ),
      );
    const place: Place =
      isPublic(host) && !publicIsLoopback && !isNamed(host) && !isLoopbackName(host.name)
        ? 'public'
        : 'inside';
    if (place === 'public' && !servedPublicly(head.path, settings)) return err(nothingHere());
    return ok({ place, local: peer.local });
  };
}
