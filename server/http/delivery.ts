/** Notices on their way: one of a kind held for each recipient, sent in turns, never to a credential that has ended. */
import type { Principal } from '#domain/principal.ts';
import { MCP_STREAM_CHECK_MS, MCP_STREAM_STALLED_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';

/** The other side of a session, a listening stream or a connection. */
export interface Recipient<E> {
  /** Who it is while its credential lives; asked before every delivery, and without effect. */
  live(): Principal | undefined;
  /** Asks anew whether its credential opens something again, after the kill switch. */
  renew?(): void;
  /** `closed`: there is no stream now. `busy`: what was sent last has not been read yet. */
  state(): 'closed' | 'busy' | 'ready';
  send(event: E): void;
  /** `ended`: its credential opens nothing any more. `stalled`: it has not read for too long. */
  end(why: 'ended' | 'stalled'): void;
}

/**
 * Of one recipient. While it does not read, what happens is held as one notice an address or list: a notice says that
 * something changed and not what, so nothing is lost and nothing grows.
 */
export class Mailbox<E> {
  readonly recipient: Recipient<E>;
  readonly #mayHear: (key: string, principal: Principal) => boolean;
  readonly #held = new Map<string, E>();
  /** Monotonic: since when it has not read. */
  busySinceMs: number | undefined;

  constructor(recipient: Recipient<E>, mayHear: (key: string, principal: Principal) => boolean) {
    this.recipient = recipient;
    this.#mayHear = mayHear;
  }

  get holds(): number {
    return this.#held.size;
  }
  hold(key: string, event: E): void {
    this.#held.set(key, event);
  }
  drop(key: string): void {
    this.#held.delete(key);
  }

  /** Sends what is held, if the other side reads; gives how many notices that were. */
  empty(): number {
    const principal = this.recipient.live();
    if (!principal) {
      this.recipient.end('ended');
      return 1;
    }
    if (this.recipient.state() !== 'ready') return 0;
    const events = Array.from(this.#held);
    this.#held.clear();
    for (const [key, event] of events) if (this.#mayHear(key, principal)) this.recipient.send(event);
    return events.length;
  }
}

export class Delivery<E> {
  readonly #clock: Clock;
  /** Notices sent before everything else has its turn. */
  readonly #perTurnMax: number;
  readonly #mailboxes = new Set<Mailbox<E>>();
  readonly #due = new Set<Mailbox<E>>();
  #waitsForTurn = false;
  #stopWatch: (() => void) | undefined;

  constructor(clock: Clock, perTurnMax: number) {
    this.#clock = clock;
    this.#perTurnMax = perTurnMax;
  }

  get mailboxes(): ReadonlySet<Mailbox<E>> {
    return this.#mailboxes;
  }
  join(mailbox: Mailbox<E>): void {
    this.#mailboxes.add(mailbox);
    this.#watch();
  }
  /** False when it had left already. */
  leave(mailbox: Mailbox<E>): boolean {
    this.#due.delete(mailbox);
    const left = this.#mailboxes.delete(mailbox);
    if (this.#mailboxes.size > 0) return left;
    this.#stopWatch?.();
    this.#stopWatch = undefined;
    return left;
  }
  has(mailbox: Mailbox<E>): boolean {
    return this.#mailboxes.has(mailbox);
  }

  post(mailbox: Mailbox<E>, key: string, event: E): void {
    mailbox.hold(key, event);
    this.#due.add(mailbox);
  }
  /** The other side reads again, or has opened a stream. */
  resume(mailbox: Mailbox<E>): void {
    mailbox.busySinceMs = undefined;
    if (mailbox.holds === 0) return;
    this.#due.add(mailbox);
    this.deliver();
  }

  /** A turn at a time: a thousand subscribers of one quote must not hold up an order. */
  deliver(): void {
    if (this.#waitsForTurn) return;
    let left = this.#perTurnMax;
    for (const mailbox of this.#due) {
      if (left <= 0) break;
      this.#due.delete(mailbox);
      left -= mailbox.empty();
    }
    if (this.#due.size === 0) return;
    this.#waitsForTurn = true;
    this.#clock.after(0, () => {
      this.#waitsForTurn = false;
      this.deliver();
    });
  }

  endDead(): void {
    for (const { recipient } of Array.from(this.#mailboxes)) if (!recipient.live()) recipient.end('ended');
  }

  /** A key expires without an event, and a stream whose reader has gone for good looks like a slow one. */
  #watch(): void {
    this.#stopWatch ??= this.#clock.after(MCP_STREAM_CHECK_MS, () => {
      this.#stopWatch = undefined;
      for (const mailbox of Array.from(this.#mailboxes)) this.#look(mailbox);
      if (this.#mailboxes.size > 0) this.#watch();
    });
  }
  #look(mailbox: Mailbox<E>): void {
    const { recipient } = mailbox;
    const now = this.#clock.monotonicMs();
    const state = recipient.state();
    if (state !== 'busy') mailbox.busySinceMs = undefined;
    else mailbox.busySinceMs ??= now;
    // Without a stream nobody is served: whoever comes back is authenticated then.
    if (state !== 'closed' && !recipient.live()) recipient.end('ended');
    else if (now - (mailbox.busySinceMs ?? now) >= MCP_STREAM_STALLED_MS) recipient.end('stalled');
  }
}
