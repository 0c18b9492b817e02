/** data/KILL: a file that drops the gate, for whoever can reach the folder and nothing else. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Gateway } from '#compose.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';
import { KILL_WATCH_INTERVAL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';

const FILE = 'KILL';
/** What a kill asked for while the engine hung; any other content, and an empty file too, means the default. */
const Wish = z.object({ cancel: z.enum(['adding', 'all', 'none']), flatten: z.boolean() });
export type KillWish = z.output<typeof Wish>;

export function writeKillFile(folder: string, wish: KillWish): void {
  writeFileSync(join(folder, FILE), `${JSON.stringify(wish)}\n`, { mode: 0o600 });
}
/** Throws when it is there and can not be removed. */
const removeKillFile = (folder: string): void => rmSync(join(folder, FILE), { force: true });

/** The file goes first, because the next look at it would drop the gate again. */
export function raiseGate<T>(folder: string, raise: () => Result<T, Refusal>): Result<T, Refusal> {
  try {
    removeKillFile(folder);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return err(
      refuse(
        'store_unavailable',
        `The gate stays down: the file ${FILE} in the data folder can not be removed (${why}). Remove it by hand and repeat this.`,
      ),
    );
  }
  return raise();
}

function wishOf(folder: string): KillWish {
  try {
    return Wish.parse(JSON.parse(readFileSync(join(folder, FILE), 'utf8')));
  } catch {
    return { cancel: 'adding', flatten: false };
  }
}

export interface KillFileWatch {
  /** Looks now, and acts on what it finds. */
  look(): Promise<void>;
  /** Lays the file for the next start, of a kill that this one carries out already; never throws. */
  lay(wish: KillWish): void;
  stop(): void;
}

/** Another file of the name is another kill, however quickly it follows the first. */
function identityOf(folder: string): string | undefined {
  const state = statSync(join(folder, FILE), { bigint: true, throwIfNoEntry: false });
  return state && `${state.ino} ${state.mtimeNs}`;
}

/** Acts once on every appearance of the file. It stays until `resume`, so that a restart starts halted. */
export function watchKillFile(o: {
  readonly folder: string;
  readonly clock: Clock;
  readonly office: Pick<Gateway, 'trading'>;
}): KillFileWatch {
  let acted: string | undefined;
  let stopped = false;
  let cancel = (): void => undefined;
  async function look(): Promise<void> {
    const found = identityOf(o.folder);
    const news = found !== undefined && found !== acted;
    acted = found;
    if (news) await o.office.trading.kill({ ...wishOf(o.folder), by: 'file' });
  }
  const again = (): void => {
    if (stopped) return;
    cancel = o.clock.after(KILL_WATCH_INTERVAL_MS, () => {
      // A failing look is looked at again; the gate itself falls in memory even when nothing can be written.
      void look().then(again, again);
    });
  };
  again();
  return {
    look,
    lay(wish) {
      try {
        writeKillFile(o.folder, wish);
        acted = identityOf(o.folder);
      } catch {
        // Neither the store nor the folder takes anything: the gate is down for as long as this process lives.
      }
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
