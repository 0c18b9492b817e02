/** An order line in a market that stands still, on a venue of the test's: what simulations and the model-based test run on. */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OWNER_CLI, type Principal, SCOPES } from '#domain/principal.ts';
import type { HandClock } from './hand-clock.ts';
import { type OpenedLine, openLine } from './order-line.ts';
import type { ScriptedBroker } from './scripted-broker.ts';
import { flatTape, WIDE_MANDATE } from './trading-room.ts';

const CSV = flatTape('1450', 390);

/** In memory where there is such a disk: how fast a disk syncs is not what is looked at. */
export const temporaryDisk = (): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'portcullis-simulated-'));

export async function startedLine(
  folder: string,
  clock: HandClock,
  broker: ScriptedBroker,
): Promise<OpenedLine> {
  const line = openLine(folder, clock, { csv: CSV, adapter: () => broker });
  // A venue that does not answer delays a start, and does not prevent it.
  const starting = { over: false };
  const ready = line.trading.start().then(() => {
    starting.over = true;
  });
  await clock.advanceAsync(0);
  while (!starting.over) await clock.advanceAsync(1_000);
  await ready;
  line.feed.start();
  await clock.advanceAsync(0);
  return line;
}

/** A new agent that may do anything; what it gives is how its key comes in, after a restart too. */
export function newKey(line: OpenedLine): (line: OpenedLine) => Principal {
  const { agents, mandates, keys } = line.access;
  const made = agents.create('claude', ['paper'], OWNER_CLI);
  const set = mandates.set('claude', WIDE_MANDATE, OWNER_CLI);
  const key = keys.create({ agent: 'claude', scopes: [...SCOPES], by: OWNER_CLI });
  if (!made.ok || !set.ok || !key.ok) throw new Error('no agent');
  const apiKey = key.value.key;
  return (now) => {
    const who = now.access.keys.authenticate(apiKey, { door: 'http' });
    if (!who.ok) throw new Error(who.error.detail);
    return who.value;
  };
}
