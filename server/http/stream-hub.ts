/** Streams of programs: each told of what it follows a beat at a time, as fast as it reads and no faster. */
import type { PassThrough } from 'node:stream';
import type { AccountId, Principal } from '#domain/principal.ts';
import {
  STREAM_ACCOUNT_INTERVAL_MS,
  STREAM_BEAT_MS,
  STREAM_BUFFER_BYTES_MAX,
  STREAM_HEARTBEAT_MS,
  STREAM_NOTICES_PER_TURN_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type ChangeFeed, topic } from '#tools/change-feed.ts';
import type { StreamEvent, StreamNotice, StreamSubject } from '#tools/stream-source.ts';
import { Delivery, Mailbox, type Recipient } from './delivery.ts';
import { TopicBeats } from './topic-beats.ts';

export interface StreamOptions {
  readonly subject: StreamSubject;
  /** Who reads it, while their credential lives. */
  readonly live: () => Principal | undefined;
  readonly body: PassThrough;
  /** Ends the connection of who does not read. */
  readonly cut: () => void;
}

interface HubOptions {
  readonly clock: Clock;
  readonly changes: ChangeFeed;
}

/** One thing that one stream follows. */
interface Watch {
  topics: readonly string[];
  readonly stream: Stream;
  readonly key: string;
  readonly notice: StreamNotice;
}

const BEAT_MS = { now: STREAM_BEAT_MS, market: STREAM_BEAT_MS };
/** An agent was given an account, or lost one; or the gate was lifted. */
const isOfLists = (name: string): boolean => name === topic.lists || name.startsWith(topic.listsOf(''));

export class StreamHub {
  readonly #clock: Clock;
  readonly #changes: ChangeFeed;
  readonly #delivery: Delivery<StreamNotice>;
  readonly #beats: TopicBeats<Watch>;
  readonly #streams = new Set<Stream>();
  readonly #stops: (() => void)[] = [];

  constructor({ clock, changes }: HubOptions) {
    this.#clock = clock;
    this.#changes = changes;
    this.#delivery = new Delivery(clock, STREAM_NOTICES_PER_TURN_MAX);
    this.#beats = new TopicBeats({
      clock,
      beatMs: BEAT_MS,
      isForAll: isOfLists,
      tell: ({ stream, key, notice }) => this.#delivery.post(stream.mailbox, key, notice),
      told: (topics) => {
        if (topics.some(isOfLists)) for (const stream of Array.from(this.#streams)) stream.follow();
        this.#delivery.deliver();
      },
    });
  }

  get count(): number {
    return this.#streams.size;
  }

  open(options: StreamOptions): Stream {
    const stream: Stream = new Stream(options, {
      clock: this.#clock,
      post: (key, notice) => this.#delivery.post(stream.mailbox, key, notice),
      deliver: () => this.#delivery.deliver(),
      resume: () => this.#delivery.resume(stream.mailbox),
      index: (watch, topics) => this.#beats.index(watch, topics),
      left: () => this.#left(stream),
    });
    if (this.#streams.size === 0) this.#begin();
    this.#streams.add(stream);
    this.#delivery.join(stream.mailbox);
    stream.follow();
    stream.begin();
    return stream;
  }

  /** Ends all of them. */
  close(): void {
    for (const stream of Array.from(this.#streams)) stream.end();
  }

  /** Nobody pays for it while nobody listens. */
  #begin(): void {
    this.#stops.push(
      this.#clock.after(STREAM_HEARTBEAT_MS, () => this.#beatHearts()),
      this.#changes.onChange((topics, pace) => {
        this.#beats.note(topics, pace);
        // What ends, ends at once.
        if (topics.includes(topic.credentials)) this.#delivery.endDead();
      }),
    );
  }
  #beatHearts(): void {
    for (const stream of this.#streams) stream.beat();
    this.#stops[0] = this.#clock.after(STREAM_HEARTBEAT_MS, () => this.#beatHearts());
  }
  #left(stream: Stream): void {
    this.#delivery.leave(stream.mailbox);
    if (this.#streams.delete(stream) && this.#streams.size === 0)
      for (const stop of this.#stops.splice(0)) stop();
  }
}

/** What a stream needs of the whole. */
interface Hub {
  readonly clock: Clock;
  readonly post: (key: string, notice: StreamNotice) => void;
  readonly deliver: () => void;
  readonly resume: () => void;
  readonly index: (watch: Watch, topics: readonly string[]) => void;
  readonly left: () => void;
}

export class Stream {
  readonly mailbox: Mailbox<StreamNotice>;
  readonly #options: StreamOptions;
  readonly #hub: Hub;
  #watches = new Map<string, Watch>();
  /** Written in one piece when everything of this turn has been said. */
  #pending = '';
  #ended = false;
  /** Accounts that are asked for, or will be. */
  readonly #asking = new Map<AccountId, () => void>();
  readonly #askedAtMs = new Map<AccountId, number>();

  constructor(options: StreamOptions, hub: Hub) {
    this.#options = options;
    this.#hub = hub;
    const recipient: Recipient<StreamNotice> = {
      live: options.live,
      state: () => this.#state(),
      send: (notice) => this.#tell(notice),
      end: () => this.end(),
    };
    this.mailbox = new Mailbox(recipient, (key) => this.#watches.has(key));
    options.body.on('drain', () => hub.resume());
  }

  /** Says that it has begun, and then what there is. */
  begin(): void {
    this.#write(this.#options.subject.ready);
    for (const { key, notice } of this.#watches.values()) this.#hub.post(key, notice);
    this.#hub.deliver();
  }

  /** What it may follow now. */
  follow(): void {
    const notices = this.#options.live() && this.#options.subject.notices();
    if (!notices) return this.end();
    for (const watch of this.#watches.values()) this.#hub.index(watch, []);
    this.#watches = new Map(
      Array.from(notices, ([key, notice]) => [key, { topics: [], stream: this, key, notice }]),
    );
    for (const watch of this.#watches.values()) this.#hub.index(watch, [watch.key]);
  }

  /** Keeps it from looking dead. */
  beat(): void {
    if (this.#state() === 'ready') this.#push(': beat\n\n');
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const watch of this.#watches.values()) this.#hub.index(watch, []);
    this.#watches.clear();
    for (const cancel of this.#asking.values()) cancel();
    this.#options.subject.close();
    this.#hub.left();
    this.#options.body.end();
    this.#options.cut();
  }

  #state(): 'closed' | 'busy' | 'ready' {
    if (this.#ended) return 'closed';
    const isFull = this.#options.body.writableNeedDrain || this.#pending.length >= STREAM_BUFFER_BYTES_MAX;
    return isFull ? 'busy' : 'ready';
  }

  #tell(notice: StreamNotice): void {
    switch (notice.kind) {
      case 'quote': {
        const event = this.#options.subject.quote(notice.instrument);
        if (event) this.#write(event);
        return undefined;
      }
      case 'orders':
        return this.#tellOrders(notice);
      case 'account':
        return this.#askAccount(notice.account);
      default:
        return notice satisfies never;
    }
  }

  /** A page at a time: one that comes back after a week must not keep others from what happens now. */
  #tellOrders(notice: StreamNotice): void {
    const { events, more } = this.#options.subject.orders();
    for (const event of events) this.#write(event);
    if (!more) return;
    const [key] = Array.from(this.#watches).find(([, watch]) => watch.notice.kind === 'orders') ?? [];
    if (key === undefined) return;
    this.#hub.clock.after(0, () => {
      if (this.#ended) return;
      this.#hub.post(key, notice);
      this.#hub.deliver();
    });
  }

  /** The broker is asked, so not with every fill, and once at a time. */
  #askAccount(account: AccountId): void {
    if (this.#asking.has(account)) return;
    const { clock } = this.#hub;
    const sinceMs = clock.monotonicMs() - (this.#askedAtMs.get(account) ?? Number.NEGATIVE_INFINITY);
    const ask = (): void => {
      this.#askedAtMs.set(account, clock.monotonicMs());
      // What changes from here on is another question.
      this.#asking.delete(account);
      void this.#options.subject.account(account).then((event) => {
        if (event && this.#state() !== 'closed') this.#write(event);
      });
    };
    if (sinceMs >= STREAM_ACCOUNT_INTERVAL_MS) ask();
    else this.#asking.set(account, clock.after(STREAM_ACCOUNT_INTERVAL_MS - sinceMs, ask));
  }

  #write({ event, data, id }: StreamEvent): void {
    this.#push(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
  }
  #push(text: string): void {
    if (this.#pending === '') queueMicrotask(() => this.#flush());
    this.#pending += text;
  }
  #flush(): void {
    const text = this.#pending;
    this.#pending = '';
    // What was not said for want of room has room now; else the other side reads first.
    if (!this.#ended && this.#options.body.write(text)) this.#hub.resume();
  }
}
