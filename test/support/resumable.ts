/** Long proofs in short sittings: each run has a seed of its own, and where one sitting ended the next goes on. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Proof {
  /** Names its file in `coverage/`. */
  readonly name: string;
  readonly runs: number;
  /** No new run begins after this. */
  readonly minutes: number;
  /** Throws when what must hold does not. */
  readonly run: (seed: number, index: number) => Promise<void>;
}

interface Progress {
  readonly seed: number;
  readonly done: number;
}

/**
 * Goes on with the seeds of the last sitting, or begins with SOAK_SEED or one at random. A run that fails stays the next one: the
 * sitting after its repair begins with it. Gives how many are done of all.
 */
export async function goOn({ name, runs, minutes, run }: Proof): Promise<number> {
  const file = new URL(`../../coverage/soak-${name}.json`, import.meta.url);
  const given = process.env['SOAK_SEED'];
  const kept: Progress | undefined =
    existsSync(file) && given === undefined
      ? (JSON.parse(readFileSync(file, 'utf8')) as Progress)
      : undefined;
  const { seed, done: before } = kept ?? { seed: Number(given ?? randomInt(1_000_000_000)), done: 0 };
  say(`${name}: seed ${seed}, runs ${before} to ${runs - 1}, ${minutes} minutes at most`);
  const untilMs = performance.now() + minutes * 60_000;
  let done = before;
  mkdirSync(new URL('.', file), { recursive: true });
  for (; done < runs && performance.now() < untilMs; done++) {
    writeFileSync(file, JSON.stringify({ seed, done } satisfies Progress));
    try {
      await run(seed + done, done);
    } catch (cause) {
      say(`${name}: run ${done} failed, seed ${seed + done}; the next sitting begins with it`);
      throw cause;
    }
  }
  if (done >= runs) rmSync(file, { force: true });
  else writeFileSync(file, JSON.stringify({ seed, done } satisfies Progress));
  say(`${name}: ${done} of ${runs} done${done < runs ? `; ${fileURLToPath(file)} says where to go on` : ''}`);
  return done;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
