/** Who follows what, through every door: checked by a read when it begins and again before every notice, told a beat at a time. */
import type { ServerEvent } from '@modelcontextprotocol/server';
import type { Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import {
  MCP_NOTICE_DELAY_MS,
  MCP_NOTICES_PER_TURN_MAX,
  MCP_QUOTE_NOTICE_MS,
  MCP_SUBSCRIPTIONS_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Pace, topic } from '#tools/change-feed.ts';
import { LISTS, type Library } from '#tools/library.ts';
import type { Followed, Reader } from '#tools/resource-reader.ts';
import { Delivery, Mailbox, type Recipient } from './delivery.ts';
import { TopicBeats } from './topic-beats.ts';

export type SubscriptionSources = Pick<Library, 'changes' | 'listsOf'> & {
  readonly resources: Pick<Library['resources'], 'follow'>;
};
type Lists = ReturnType<Library['listsOf']>;

/** What a subscriber follows under one address. */
interface FollowedResource {
  readonly uri: string;
  readonly by: Subscriber;
  readonly followed: Followed;
  topics: readonly string[];
  /** Its quotes need not be kept current any more. */
  letGo: () => void;
}

const BEAT_MS: { readonly [pace in Pace]: number } = {
  now: MCP_NOTICE_DELAY_MS,
  market: MCP_QUOTE_NOTICE_MS,
};
const isOfLists = (name: string): boolean => name === topic.lists || name.startsWith(topic.listsOf(''));

/** One for all doors: made with the offer, idle until somebody connects. */
export class Subscriptions {
  readonly #sources: SubscriptionSources;
  readonly #delivery: Delivery<ServerEvent>;
  readonly #beats: TopicBeats<FollowedResource>;
  readonly #subscribers = new Set<Subscriber>();
  #stopChanges: (() => void) | undefined;

  constructor(sources: SubscriptionSources, clock: Clock) {
    this.#sources = sources;
    this.#delivery = new Delivery(clock, MCP_NOTICES_PER_TURN_MAX);
    this.#beats = new TopicBeats({
      clock,
      beatMs: BEAT_MS,
      isForAll: isOfLists,
      tell: ({ uri, by }) => this.#delivery.post(by.mailbox, uri, { kind: 'resource_updated', uri }),
      told: (topics) => {
        if (topics.some(isOfLists)) for (const subscriber of this.#subscribers) subscriber.noteLists();
        this.#delivery.deliver();
      },
    });
  }

  /** Sessions, listening streams and connections. */
  get count(): number {
    return this.#subscribers.size;
  }

  connect(recipient: Recipient<ServerEvent>): Subscriber {
    const principal = recipient.live();
    const hub: Hub = {
      delivery: this.#delivery,
      follow: (uri, by) => this.#sources.resources.follow(uri, by),
      index: (watch, topics) => this.#beats.index(watch, topics),
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
    this.#beats.note(topics, pace);
    // What ends, ends at once.
    if (topics.includes(topic.credentials)) this.#delivery.endDead();
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
  readonly delivery: Delivery<ServerEvent>;
  readonly follow: (uri: string, by: Reader) => Promise<Result<Followed, Refusal>>;
  readonly index: (watch: FollowedResource, topics: readonly string[]) => void;
  readonly listsOf: (principal: Principal) => Lists;
  readonly left: (subscriber: Subscriber) => void;
}

export class Subscriber {
  readonly mailbox: Mailbox<ServerEvent>;
  readonly #hub: Hub;
  readonly #watches = new Map<string, FollowedResource>();
  /** What its lists were when it connected or was last told; undefined while it had none. */
  #lists: Lists | undefined;

  constructor(hub: Hub, recipient: Recipient<ServerEvent>, lists: Lists | undefined) {
    this.#hub = hub;
    this.#lists = lists;
    const told: Recipient<ServerEvent> = {
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
    const watch: FollowedResource = {
      uri,
      by: this,
      followed: followed.value,
      topics: [],
      letGo: () => undefined,
    };
    this.#watches.set(uri, watch);
    this.#follow(watch, by.principal);
    return ok(undefined);
  }

  /** As the caller's accounts are now. */
  #follow(watch: FollowedResource, principal: Principal): void {
    const { letGo } = watch;
    this.#hub.index(watch, watch.followed.topics(principal));
    watch.letGo = watch.followed.keep(principal);
    letGo();
  }

  unsubscribe(uri: string): void {
    const watch = this.#watches.get(uri);
    if (!watch) return;
    this.#hub.index(watch, []);
    watch.letGo();
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
    for (const watch of this.#watches.values()) this.#follow(watch, principal);
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
