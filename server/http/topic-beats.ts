/** Who follows which topics: what changes is noted at once and told a beat later, each change once however often it came. */
import type { Clock } from '#ports.ts';
import type { Pace } from '#tools/change-feed.ts';

/** Something that is followed, and the topics that it depends on. */
export interface Watch {
  topics: readonly string[];
}

export interface TopicBeatsOptions<W extends Watch> {
  readonly clock: Clock;
  readonly beatMs: { readonly [pace in Pace]: number };
  /** Topics that are told although nobody follows them by name. */
  readonly isForAll: (topic: string) => boolean;
  /** Once a beat for each that follows something of what changed, and each topic of it. */
  readonly tell: (watch: W) => void;
  /** After them, with everything that changed. */
  readonly told: (topics: readonly string[]) => void;
}

export class TopicBeats<W extends Watch> {
  readonly #options: TopicBeatsOptions<W>;
  readonly #byTopic = new Map<string, Set<W>>();
  /** Topics of which somebody will be told with the next beat. */
  readonly #changed: { readonly [pace in Pace]: Set<string> } = { now: new Set(), market: new Set() };

  constructor(options: TopicBeatsOptions<W>) {
    this.#options = options;
  }

  /** On the path of orders and of every quote: notes what somebody follows, and returns. */
  note(topics: readonly string[], pace: Pace): void {
    const { clock, beatMs, isForAll } = this.#options;
    const changed = this.#changed[pace];
    for (const name of topics) {
      if (!this.#byTopic.has(name) && !isForAll(name)) continue;
      if (changed.size === 0) clock.after(beatMs[pace], () => this.#beat(changed));
      changed.add(name);
    }
  }

  /** From now on it depends on these; none: it is followed no more. */
  index(watch: W, topics: readonly string[]): void {
    for (const name of watch.topics) {
      const watches = this.#byTopic.get(name);
      watches?.delete(watch);
      if (watches?.size === 0) this.#byTopic.delete(name);
    }
    watch.topics = topics;
    for (const name of topics) this.#byTopic.set(name, (this.#byTopic.get(name) ?? new Set()).add(watch));
  }

  #beat(changed: Set<string>): void {
    const names = Array.from(changed);
    changed.clear();
    for (const name of names) for (const watch of this.#byTopic.get(name) ?? []) this.#options.tell(watch);
    this.#options.told(names);
  }
}
