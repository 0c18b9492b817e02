/** What an account keeps through restarts, sealed: the day's session, and which order of ours has which id at Kite. */
import { z } from 'zod';
import type { SecretSlot } from '#brokers/broker.ts';
import { KITE_IDS_MAX } from '#limits.ts';

const session = z.strictObject({ token: z.string(), startedMs: z.number(), endsMs: z.number() });
/** A trigger whose placement was never answered: what would be it, and what was there before. */
const intent = z.strictObject({
  fingerprint: z.string(),
  before: z.array(z.string()),
  sentMs: z.number(),
});
const kept = z.strictObject({
  /** Whose account it is at Kite, from the first sign-in. */
  user: z.string().optional(),
  session: session.optional(),
  ids: z.array(z.tuple([z.string(), z.string()])),
  intents: z.array(z.tuple([z.string(), intent])),
});
export type KiteSession = z.output<typeof session>;
export type GttIntent = z.output<typeof intent>;

export interface KiteMemory {
  user(): string | undefined;
  session(): KiteSession | undefined;
  begin(user: string, session: KiteSession): void;
  /** Only the session that was meant: a newer one stays. */
  end(token: string): void;
  /** Kite's id of an order of ours: its number, or `gtt:` and the trigger's. */
  brokerIdOf(clientId: string): string | undefined;
  clientIdOf(brokerId: string): string | undefined;
  learn(clientId: string, brokerId: string): void;
  forget(clientId: string): void;
  intents(): ReadonlyMap<string, GttIntent>;
  intend(clientId: string, intent: GttIntent): void;
}

/** What can not be read (another version wrote it) is as good as nothing: the owner signs in again, and Kite is asked. */
export function openMemory(slot: SecretSlot): KiteMemory {
  const state = read(slot);
  const ids = new Map(state.ids);
  const clients = new Map(state.ids.map(([client, broker]) => [broker, client]));
  const intents = new Map(state.intents);
  const save = (): void => {
    // Triggers live for a year and have no other name; orders of the day are found by their tag as well.
    const plain = [...ids].filter(([, broker]) => !broker.startsWith('gtt:'));
    for (const [client] of plain.slice(0, Math.max(0, ids.size - KITE_IDS_MAX))) drop(client);
    slot.write(JSON.stringify({ ...state, ids: [...ids], intents: [...intents] }));
  };
  function drop(client: string): void {
    const broker = ids.get(client);
    ids.delete(client);
    if (broker !== undefined) clients.delete(broker);
  }

  return {
    user: () => state.user,
    session: () => state.session,
    begin(user, session) {
      state.user = user;
      state.session = session;
      save();
    },
    end(token) {
      if (state.session?.token !== token) return;
      state.session = undefined;
      save();
    },
    brokerIdOf: (client) => ids.get(client),
    clientIdOf: (broker) => clients.get(broker),
    learn(client, broker) {
      const changed = ids.get(client) !== broker || intents.has(client);
      if (!changed) return;
      drop(client);
      ids.set(client, broker);
      clients.set(broker, client);
      intents.delete(client);
      save();
    },
    forget(client) {
      if (!ids.has(client) && !intents.has(client)) return;
      drop(client);
      intents.delete(client);
      save();
    },
    intents: () => intents,
    intend(client, intent) {
      intents.set(client, intent);
      save();
    },
  };
}

/** What new credentials leave: all but the session that the old ones began. */
export const withoutSession = (text: string): string =>
  JSON.stringify({ ...read({ read: () => text }), session: undefined });

function read(slot: Pick<SecretSlot, 'read'>): z.output<typeof kept> {
  const empty = { ids: [], intents: [] };
  const text = slot.read();
  if (text === undefined) return empty;
  try {
    return kept.safeParse(JSON.parse(text)).data ?? empty;
  } catch {
    return empty;
  }
}
