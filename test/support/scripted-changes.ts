/** Subscriptions whose changes are the test's to make: an address is its own topic, and one with `secret` in it is nobody's. */
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { Subscriptions } from '#http/mcp-subscriptions.ts';
import type { Clock } from '#ports.ts';
import { type ChangeFeed, type Pace, topic } from '#tools/change-feed.ts';

export interface ScriptedChanges {
  readonly subscriptions: Subscriptions;
  readonly change: (name: string, pace?: Pace) => void;
  /** Everybody's lists are others from now on. */
  readonly changeLists: () => void;
  /** From now on nobody may hear of what they follow. */
  readonly forbid: () => void;
  /** Addresses whose quotes are kept current. */
  readonly kept: () => readonly string[];
  /** Whether anybody wants to know of changes. */
  readonly isListening: () => boolean;
}

export function scriptedChanges(clock: Clock): ScriptedChanges {
  const kept = new Map<object, string>();
  const listeners = new Set<Parameters<ChangeFeed['onChange']>[0]>();
  let mayHear = true;
  let version = 0;
  const change = (name: string, pace: Pace = 'now'): void => {
    for (const listener of listeners) listener([name], pace);
  };
  const subscriptions = new Subscriptions(
    {
      changes: {
        onChange(listener) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
      listsOf: ({ scopes }) => {
        const seen = `${version} ${Array.from(scopes).join(' ')}`;
        return { tools: seen, prompts: seen, resources: '' };
      },
      resources: {
        follow: async (uri) =>
          uri.includes('secret')
            ? err(refuse('not_found', 'There is no such resource.'))
            : ok({
                topics: () => [uri],
                mayHear: () => mayHear,
                keep() {
                  const hold = {};
                  kept.set(hold, uri);
                  return () => void kept.delete(hold);
                },
              }),
      },
    },
    clock,
  );
  return {
    subscriptions,
    change,
    changeLists() {
      version += 1;
      change(topic.lists);
    },
    forbid() {
      mayHear = false;
    },
    kept: () => Array.from(kept.values()),
    isListening: () => listeners.size > 0,
  };
}
