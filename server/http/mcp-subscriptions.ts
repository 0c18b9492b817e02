/** Who follows what, through every door: checked by a read when it begins and again before every notice, told a beat at a time. */
import type { Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { MCP_NOTICE_DELAY_MS, MCP_QUOTE_NOTICE_MS, MCP_SUBSCRIPTIONS_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Pace, topic } from '#tools/change-feed.ts';
import { LISTS, type Library } from '#tools/library.ts';
import type { Followed, Reader } from '#tools/resource-reader.ts';
import { Delivery, Mailbox, type Recipient } from './mcp-delivery.ts';

export type SubscriptionSources = Pick<Library, 'changes' | 'listsOf'> & {
  readonly resources: Pick<Library['resources'], 'follow'>;
};
type Lists = ReturnType<Library['listsOf']>;

interface Watch {
  readonly uri: string;
  readonly by: Subscriber;
  readonly followed: Followed;
  topics: readonly string[];
}

const BEAT_MS: { readonly [pace in Pace]: number } = {
  now: MCP_NOTICE_DELAY_MS,
  market: MCP_QUOTE_NOTICE_MS,
};
const isOfLists = (name: string): boolean => name === topic.lists || name.startsWith(topic.listsOf(''));

/** One for all doors: made with the offer, idle until somebody connects. */
export class Subscriptions {
  readonly #clock: Clock;
  readonly #sources: SubscriptionSources;
  readonly #delivery: Delivery;
  readonly #subscribers = new Set<Subscriber>();
  readonly #byTopic = new Map<string, Set<Watch>>();
  /** Topics of which somebody will be told with the next beat. */
  readonly #changed: { readonly [pace in Pace]: Set<string> } = { now: new Set(), market: new Set() };
  #stopChanges: (() => void) | undefined;

  constructor(sources: SubscriptionSources, clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
    this.#delivery = new Delivery(clock);
  }

  /** Sessions, listening streams and connections. */
  get count(): number {
    return this.#subscribers.size;
  }

  connect(recipient: Recipient): Subscriber {
    const principal = recipient.live();
    const hub: Hub = {
      delivery: this.#delivery,
      follow: (uri, by) => this.#sources.resources.follow(uri, by),
      index: (watch, topics) => this.#index(watch, topics),
      listsOf: (who) => this.#sources.listsOf(who),
      left: (who) => this.#left(who),
    };
    const subscriber = new Subscriber(hub, recipient, principal && this.#sources.listsOf(principal));
    this.#stopChanges ??= this.#sources.changes.onChange((topics, pace) => this.#onChange(topics, pace));
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** On the path of orders: notes what somebody follows, and returns. */
  #onChange(topics: readonly string[], pace: Pace): void {
    const changed = this.#changed[pace];
    for (const name of topics) {
      if (!this.#byTopic.has(name) && !isOfLists(name)) continue;
      if (changed.size === 0) this.#clock.after(BEAT_MS[pace], () => this.#beat(changed));
      changed.add(name);
    }
    // What ends, ends at once.
    if (topics.includes(topic.credentials)) this.#delivery.endDead();
  }

  #beat(changed: Set<string>): void {
    const names = Array.from(changed);
    changed.clear();
    for (const name of names)
      for (const { uri, by } of this.#byTopic.get(name) ?? [])
        this.#delivery.post(by.mailbox, uri, { kind: 'resource_updated', uri });
    if (names.some(isOfLists)) for (const subscriber of this.#subscribers) subscriber.noteLists();
    this.#delivery.deliver();
  }

  #index(watch: Watch, topics: readonly string[]): void {
    for (const name of watch.topics) {
      const watches = this.#byTopic.get(name);
      watches?.delete(watch);
      if (watches?.size === 0) this.#byTopic.delete(name);
    }
    watch.topics = topics;
    for (const name of topics) this.#byTopic.set(name, (this.#byTopic.get(name) ?? new Set()).add(watch));
  }

  #left(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    this.#stopChanges?.();
    this.#stopChanges = undefined;
  }
}

/** What a subscriber needs of the whole. */
interface Hub {
  readonly delivery: Delivery;
  readonly follow: (uri: string, by: Reader) => Promise<Result<Followed, Refusal>>;
  readonly index: (watch: Watch, topics: readonly string[]) => void;
  readonly listsOf: (principal: Principal) => Lists;
  readonly left: (subscriber: Subscriber) => void;
}

export class Subscriber {
  readonly mailbox: Mailbox;
  readonly #hub: Hub;
  readonly #watches = new Map<string, Watch>();
  /** What its lists were when it connected or was last told; undefined while it had none. */
  #lists: Lists | undefined;

  constructor(hub: Hub, recipient: Recipient, lists: Lists | undefined) {
    this.#hub = hub;
    this.#lists = lists;
    const told: Recipient = {
      ...recipient,
      end: (why) => {
        if (why === 'ended') this.#lists = undefined;
        recipient.end(why);
      },
    };
    // Accounts and scopes may have been taken away since: who may not read it now does not hear of it.
    this.mailbox = new Mailbox(told, (key, principal) => {
      const watch = this.#watches.get(key);
      return watch === undefined || watch.followed.mayHear(principal);
    });
    hub.delivery.join(this.mailbox);
  }

  /** The refusal is that of the read: who may not read a resource does not hear of it. */
  async subscribe(uri: string, by: Reader): Promise<Result<void, Refusal>> {
    if (this.#watches.has(uri)) return ok(undefined);
    if (this.#watches.size >= MCP_SUBSCRIPTIONS_MAX) return err(tooMany());
    const followed = await this.#hub.follow(uri, by);
    if (!followed.ok) return followed;
    // While it was read others may have come, the same one again, and the end.
    if (!this.#hub.delivery.has(this.mailbox) || !this.mailbox.recipient.live()) return err(over());
    if (this.#watches.has(uri)) return ok(undefined);
    if (this.#watches.size >= MCP_SUBSCRIPTIONS_MAX) return err(tooMany());
    const watch: Watch = { uri, by: this, followed: followed.value, topics: [] };
    this.#watches.set(uri, watch);
    this.#hub.index(watch, followed.value.topics(by.principal));
    return ok(undefined);
  }

  unsubscribe(uri: string): void {
    const watch = this.#watches.get(uri);
    if (!watch) return;
    this.#hub.index(watch, []);
    this.#watches.delete(uri);
    this.mailbox.drop(uri);
  }
  unsubscribeAll(): void {
    for (const uri of Array.from(this.#watches.keys())) this.unsubscribe(uri);
  }

  /** Notes which lists are others than they were, to be told with the next delivery. */
  noteLists(): void {
    const { recipient } = this.mailbox;
    if (!recipient.live()) recipient.renew?.();
    const principal = recipient.live();
    const lists = principal && this.#hub.listsOf(principal);
    const before = this.#lists;
    this.#lists = lists;
    if (!principal || !lists) return;
    for (const list of LISTS)
      if (lists[list] !== before?.[list])
        this.#hub.delivery.post(this.mailbox, list, { kind: `${list}_list_changed` });
    for (const watch of this.#watches.values()) this.#hub.index(watch, watch.followed.topics(principal));
  }
  /** Its scopes may be others than they were at its last request. */
  tellLists(): void {
    this.noteLists();
    this.#hub.delivery.deliver();
  }

  /** The other side reads again, or has opened a stream: what was held is sent. */
  resume(): void {
    this.#hub.delivery.resume(this.mailbox);
  }
  close(): void {
    if (!this.#hub.delivery.leave(this.mailbox)) return;
    this.unsubscribeAll();
    this.#hub.left(this);
  }
}

const over = (): Refusal =>
  refuse('credential_revoked', 'The session or stream that this was for has ended; open another.');
const tooMany = (): Refusal =>
  refuse(
    'invalid_input',
    `At most ${MCP_SUBSCRIPTIONS_MAX} resources can be followed at once; unsubscribe from one first.`,
  );
