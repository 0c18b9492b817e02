/** A new agent as the console makes it: its accounts, its mandate and its first key in one commit, or nothing of it. */
import type { Owner } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Store } from '#store/open.ts';
import type { Agents } from './agents.ts';
import type { ApiKeys, NewKey } from './api-keys.ts';
import type { KeyRequest } from './key-request.ts';
import type { Mandates } from './mandates.ts';

export interface EquipRequest {
  readonly name: string;
  /** undefined: `paper`. */
  readonly accounts: readonly string[] | undefined;
  /** As `mandates set` takes it; undefined: it trades nothing yet. */
  readonly mandate: unknown;
  readonly key: Omit<KeyRequest, 'agent' | 'by'>;
  readonly by: Owner;
}

/** Takes back what was done of it before. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

function required<T>(done: Result<T, Refusal>): T {
  if (!done.ok) throw new Refused(done.error);
  return done.value;
}

export function openEquip(o: {
  readonly store: Store;
  readonly agents: Pick<Agents, 'create'>;
  readonly keys: Pick<ApiKeys, 'create'>;
  readonly mandates: Pick<Mandates, 'set'>;
}): (request: EquipRequest) => Result<NewKey, Refusal> {
  return ({ name, accounts, mandate, key, by }) => {
    try {
      return ok(
        o.store.transaction(() => {
          required(o.agents.create(name, accounts, by));
          if (mandate !== undefined) required(o.mandates.set(name, mandate, by));
          return required(o.keys.create({ ...key, agent: name, by }));
        }),
      );
    } catch (cause) {
      if (cause instanceof Refused) return err(cause.refusal);
      throw cause;
    }
  };
}
