/** How much one address may ask for: a wide bound on everything from outside, a narrow one on what strangers are refused. */
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { canonicalAddress, UNREADABLE } from '#access/address.ts';
import type { AuditLog } from '#audit/log.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { ADDRESS_REQUESTS_MAX, ADDRESS_TURNED_AWAY_MAX, ADDRESS_WINDOW_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { addressWindows } from './address-windows.ts';

/** IPv6 networks are given out whole: one subscriber has 2^64 addresses to send from. */
const IPV6_SUBNET = 64;

/** Under which an address is counted: IPv4 whole, also when written as IPv6; IPv6 by its /64. */
export function addressKey(given: string | undefined): string {
  const canonical = canonicalAddress(given ?? '');
  return canonical ? normalizeIP(canonical.address, IPV6_SUBNET) : UNREADABLE;
}

/** Counts the request; gives the refusal once its address is over the bound. */
type Count = (request: FastifyRequest) => Promise<Refusal | undefined>;

export interface AddressLimits {
  /** For every request from outside this machine, before anything is done for it. */
  readonly requests: Count;
  /**
   * For every request that is turned away as a stranger's. Who shows a live credential is not counted: a neighbour at the
   * same address, which on one machine is everybody, must not be able to keep an agent from canceling its orders.
   */
  readonly turnedAway: Count;
}

export interface AddressLimitOptions {
  readonly audit: Pick<AuditLog, 'recordRepeated' | 'recordDeferred'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export function addressLimits(app: FastifyInstance, { audit, clock }: AddressLimitOptions): AddressLimits {
  function record(request: FastifyRequest): void {
    const event = {
      kind: 'http.limited',
      outcome: 'refused',
      detail: { reason: 'rate_limited', address: addressKey(request.ip) },
    } as const;
    try {
      audit.recordRepeated(event);
    } catch {
      // A store that can not write does not open the gate; the event is written when it heals.
      audit.recordDeferred(event);
    }
  }
  const plugin = app.register(rateLimit, { global: false, store: addressWindows(clock) });
  function counter(max: number): Count {
    let count: ReturnType<FastifyInstance['createRateLimit']>;
    void plugin.after(() => {
      count = app.createRateLimit({
        max,
        timeWindow: ADDRESS_WINDOW_MS,
        keyGenerator: (request) => addressKey(request.ip),
      });
    });
    return async (request) => {
      const counted = await count(request);
      if (counted.isAllowed || !counted.isExceeded) return undefined;
      record(request);
      const seconds = Math.max(1, counted.ttlInSeconds);
      return refuse('rate_limited', `Too many requests came from this address; wait ${seconds} s.`, {
        retry_after: seconds,
      });
    };
  }
  return { requests: counter(ADDRESS_REQUESTS_MAX), turnedAway: counter(ADDRESS_TURNED_AWAY_MAX) };
}
