/** A tape is looked at in a thread of its own: one at a time, bounded in time, and with nothing but its facts coming back. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { TAPE_LOOK_TIMEOUT_MS } from '#limits.ts';
import { loadTape } from '#market/tape.ts';
import { openTapeLooks, type TapeLooks } from '#market/tape-looks.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { instrumentOf, longTapeFile, tapeFile } from '../support/tapes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { turn, watchThreads } from '../support/threads.ts';

const BTC = instrumentOf('BTC/USD');
const asked = (file: string) => ({ file, instrument: BTC.id });
const SHORT = ['date,open,high,low,close', '2024-01-01,1,1,1,1', '2024-01-02,1,1,1,1'];
const SECONDS = TAPE_LOOK_TIMEOUT_MS / 1_000;

function open(): { readonly looks: TapeLooks; readonly clock: HandClock } {
  const clock = handClock();
  const looks = openTapeLooks(clock);
  onTestFinished(() => looks.close());
  return { looks, clock };
}

describe('a look', () => {
  test('tells what loading the tape would give, and no more', async () => {
    const file = tapeFile(SHORT);
    expect(await open().looks.look(asked(file))).toEqual({
      ok: true,
      value: { timeframe: '1d', bars: 2, firstMs: Date.UTC(2024, 0, 1), lastMs: Date.UTC(2024, 0, 2) },
    });
    expect(loadTape({ file, instrument: BTC })).toMatchObject({ timeframe: '1d', length: 2 });
  });

  test.each([
    ['a wrong row', ['date,open,high,low,close', '2024-01-01,secret,1,1,1']],
    ['no tape at all', ['four geese over the weir']],
  ])('at %s says the sentence that loading it would', async (_, lines) => {
    const file = tapeFile(lines);
    const looked = await open().looks.look(asked(file));
    expect(looked.ok).toBe(false);
    expect(() => loadTape({ file, instrument: BTC })).toThrow(looked.ok ? '' : looked.error);
  });

  test('holds nothing up: the event loop turns while two hundred thousand rows are read', async () => {
    const { looks } = open();
    const file = longTapeFile(200_000);
    let turns = 0;
    let ended = false;
    const end = looks.look(asked(file)).finally(() => {
      ended = true;
    });
    while (!ended) {
      turns++;
      await turn();
    }
    expect(await end).toMatchObject({ ok: true, value: { bars: 200_000, timeframe: '1m' } });
    expect(turns).toBeGreaterThan(1_000);
  });

  test('is one at a time: a second is refused and begins no thread, and has its turn afterwards', async () => {
    const threads = watchThreads();
    const { looks } = open();
    const first = looks.look(asked(tapeFile(SHORT)));
    const others = await Promise.all(
      Array.from({ length: 20 }, () => looks.look(asked(`${temporaryFolder()}/second.csv`))),
    );
    for (const other of others)
      expect(other).toEqual({
        ok: false,
        error: 'The tape second.csv was not read, because another one is being read: try again in a moment.',
      });
    expect(await first).toMatchObject({ ok: true });
    expect(threads.begun()).toBe(1);
    expect(await looks.look(asked(tapeFile(SHORT)))).toMatchObject({ ok: true });
    expect([threads.begun(), threads.running()]).toEqual([2, 0]);
  });

  test('that takes too long is given up with a sentence, its thread ends, and another may follow', async () => {
    const threads = watchThreads();
    const { looks, clock } = open();
    const look = looks.look(asked(longTapeFile(200_000)));
    await threads.atWork();
    clock.advance(TAPE_LOOK_TIMEOUT_MS - 1);
    let ended = false;
    void look.finally(() => {
      ended = true;
    });
    await turn();
    expect(ended).toBe(false);
    clock.advance(1);
    expect(await look).toEqual({
      ok: false,
      error: `The tape long.csv was not read, because that took longer than ${SECONDS} seconds.`,
    });
    while (threads.running() > 0) await turn();
    expect(threads.cut()).toBe(1);
    expect(await looks.look(asked(tapeFile(SHORT)))).toMatchObject({ ok: true });
  });

  test('that the gateway stops under has its answer, leaves no thread, and none follows', async () => {
    const threads = watchThreads();
    const { looks } = open();
    const look = looks.look(asked(longTapeFile(200_000)));
    await threads.atWork();
    await looks.close();
    const stopping = 'because the gateway is stopping.';
    expect(await look).toEqual({ ok: false, error: `The tape long.csv was not read, ${stopping}` });
    expect(await looks.look(asked('sample'))).toEqual({
      ok: false,
      error: `The tape sample was not read, ${stopping}`,
    });
    expect([threads.begun(), threads.running(), threads.cut()]).toEqual([1, 0, 1]);
  });
});
