/** Five thousand quotes a second to a crowd, some of which read slowly or never: who reads hears on time, who does not holds nothing up. */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instrumentId } from '#domain/instrument.ts';
import { accountId, agentId, type Principal, SCOPES } from '#domain/principal.ts';
import { StreamHub } from '#http/stream-hub.ts';
import {
  MCP_STREAM_CHECK_MS,
  MCP_STREAM_STALLED_MS,
  STREAM_ACCOUNT_INTERVAL_MS,
  STREAM_BEAT_MS,
  STREAM_BUFFER_BYTES_MAX,
} from '#limits.ts';
import { BUILT_IN } from '#market/master.ts';
import { type ChangeFeed, topic } from '#tools/change-feed.ts';
import type { StreamEvent, StreamNotice, StreamSubject } from '#tools/stream-source.ts';
import { eventsIn, type ToldEvent } from '../support/event-stream.ts';
import { handClock } from '../support/hand-clock.ts';

const SYMBOLS = 50;
const [SPX] = BUILT_IN;
if (SPX === undefined) throw new Error('no instrument is built in');
const INSTRUMENTS = Array.from({ length: SYMBOLS }, (_, n) => ({ ...SPX, id: instrumentId(`X:${n}`) }));
const WHO: Principal = {
  kind: 'agent',
  agent: agentId('agt_1'),
  agentName: 'claude',
  credential: 'key_1',
  door: 'rest',
  scopes: new Set(SCOPES),
  epoch: 1,
};

/** Prices that the test makes, and streams over bodies that it reads or leaves. */
function market() {
  const clock = handClock();
  const listeners = new Set<Parameters<ChangeFeed['onChange']>[0]>();
  const changes: ChangeFeed = {
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const change = (name: string): void => {
    for (const listener of listeners) listener([name], 'market');
  };
  const latest = new Map<string, { readonly n: number; readonly atMs: number }>();
  let n = 0;
  const hub = new StreamHub({ clock, changes });
  return {
    clock,
    hub,
    change,
    latest,
    isListening: () => listeners.size > 0,
    tick(which: number) {
      const { id } = INSTRUMENTS[which % SYMBOLS] ?? { id: '' };
      latest.set(id, { n: ++n, atMs: clock.monotonicMs() });
      change(`quote:${id}`);
    },
    open: (own: Partial<StreamSubject> = {}) => openReader({ hub, clock, latest }, own),
  };
}

interface Reader {
  readonly body: PassThrough;
  readonly is: { live: boolean; cut: boolean; closed: boolean };
  /** From now on what comes is read at once. */
  readAll(): void;
  heard(): readonly ToldEvent[];
}

function openReader(
  { hub, clock, latest }: Pick<ReturnType<typeof market>, 'hub' | 'clock' | 'latest'>,
  own: Partial<StreamSubject>,
): Reader {
  const body = new PassThrough({ highWaterMark: STREAM_BUFFER_BYTES_MAX });
  const is = { live: true, cut: false, closed: false };
  const ready: StreamEvent = { event: 'ready', data: '{}' };
  const subject: StreamSubject = {
    ready,
    notices: () =>
      new Map(
        INSTRUMENTS.map((instrument): [string, StreamNotice] => [
          topic.quote(instrument.id),
          { kind: 'quote', instrument },
        ]),
      ),
    quote(instrument) {
      const quote = latest.get(instrument.id);
      if (quote === undefined) return undefined;
      const ageMs = clock.monotonicMs() - quote.atMs;
      // As long as a quote on the wire is.
      const data = JSON.stringify({ id: instrument.id, n: quote.n, ageMs, fill: 'x'.repeat(160) });
      return { event: 'quote', data };
    },
    orders: () => ({ events: [], more: false }),
    account: async () => undefined,
    close() {
      is.closed = true;
    },
    ...own,
  };
  hub.open({
    subject,
    body,
    live: () => (is.live ? WHO : undefined),
    cut() {
      is.cut = true;
    },
  });
  let text = '';
  body.setEncoding('utf8');
  return {
    body,
    is,
    readAll: () =>
      void body.on('data', (chunk: string) => {
        text += chunk;
      }),
    heard: () => eventsIn(text),
  };
}
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((done) => setImmediate(done));
};
/** So many beats with a hundred quotes each: five thousand a second. */
async function play(own: ReturnType<typeof market>, beats: number): Promise<void> {
  const { clock } = own;
  for (let beat = 0; beat < beats; beat++) {
    for (let n = 0; n < 100; n++) own.tick(beat * 37 + n * 13);
    clock.advance(STREAM_BEAT_MS);
    // The turns that a crowd takes.
    clock.advance(0);
    await settle();
  }
}
const quotesOf = (reader: Reader) =>
  reader
    .heard()
    .flatMap(({ event, data }) =>
      event === 'quote' ? [data as { id: string; n: number; ageMs: number }] : [],
    );
const held = ({ body }: Reader): number => body.writableLength + body.readableLength;
const HELD_MAX = 3 * STREAM_BUFFER_BYTES_MAX;

describe('five thousand quotes a second', () => {
  test('reach who reads within a beat, each at its latest, beside who never reads and who reads now and then', async () => {
    const own = market();
    const fast = Array.from({ length: 8 }, () => own.open());
    for (const reader of fast) reader.readAll();
    const stuck = Array.from({ length: 8 }, () => own.open());
    const slow = own.open();
    let most = 0;
    for (let second = 0; second < 6; second++) {
      await play(own, 50);
      most = Math.max(most, ...stuck.map(held));
      slow.body.read();
    }
    await settle();
    for (const reader of fast) {
      const quotes = quotesOf(reader);
      // Every instrument with every beat in which it changed: nothing is left out for who reads.
      expect(quotes.length).toBeGreaterThan(10_000);
      expect(Math.max(...quotes.map(({ ageMs }) => ageMs))).toBeLessThanOrEqual(STREAM_BEAT_MS);
      const last = new Map(quotes.map(({ id, n }) => [id, n]));
      expect(Object.fromEntries(last)).toEqual(
        Object.fromEntries(Array.from(own.latest, ([id, { n }]) => [id, n])),
      );
    }
    expect(most).toBeGreaterThan(STREAM_BUFFER_BYTES_MAX / 2);
    expect(most).toBeLessThanOrEqual(HELD_MAX);
    // Who reads on is told what is so now, not what was.
    const [one] = stuck;
    one?.readAll();
    await settle();
    own.clock.advance(0);
    await settle();
    const caughtUp = new Map(quotesOf(one ?? slow).map(({ id, n }) => [id, n]));
    expect(caughtUp.size).toBe(SYMBOLS);
    for (const [id, { n }] of own.latest) expect(caughtUp.get(id)).toBe(n);
    expect(quotesOf(one ?? slow).length).toBeLessThan(2_000);
  });

  test('cut off who has not read for long, and nobody else', async () => {
    const own = market();
    const [fast, stuck] = [own.open(), own.open()];
    fast.readAll();
    await play(own, 200);
    expect([stuck.is.cut, own.hub.count]).toEqual([false, 2]);
    for (let ms = 0; ms <= MCP_STREAM_STALLED_MS + 2 * MCP_STREAM_CHECK_MS; ms += 1_000) {
      own.clock.advance(1_000);
      await play(own, 1);
    }
    expect([stuck.is, own.hub.count]).toEqual([{ live: true, cut: true, closed: true }, 1]);
    expect(fast.is.cut).toBe(false);
  });

  test('whoever reads when: what is held stays small, and the last that is told of each is the latest', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.integer({ min: 1, max: 30 }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        async (rounds) => {
          const own = market();
          const readers = Array.from({ length: 4 }, () => own.open());
          const text = readers.map(() => '');
          for (const [beats, reads] of rounds) {
            await play(own, beats);
            for (const [at, reader] of readers.entries()) {
              expect(held(reader)).toBeLessThanOrEqual(HELD_MAX);
              if (reads[at] === true) text[at] += String(reader.body.read() ?? '');
            }
          }
          for (const [at, reader] of readers.entries()) {
            for (let tries = 0; tries < 20; tries++) {
              text[at] += String(reader.body.read() ?? '');
              await settle();
              own.clock.advance(0);
              await settle();
            }
            const last = new Map(
              eventsIn(text[at] ?? '').flatMap(({ event, data }) =>
                event === 'quote' ? [[data['id'], data['n']]] : [],
              ),
            );
            for (const [id, { n }] of own.latest) expect(last.get(id)).toBe(n);
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('a stream', () => {
  test('costs nothing while there is none', async () => {
    const own = market();
    expect(own.isListening()).toBe(false);
    const reader = own.open();
    expect(own.isListening()).toBe(true);
    reader.readAll();
    own.hub.close();
    await settle();
    expect([own.isListening(), own.hub.count, reader.is.closed]).toEqual([false, 0, true]);
  });

  test('hears nothing any more once its credential has ended, not even of what was held', async () => {
    const own = market();
    const reader = own.open();
    reader.readAll();
    await play(own, 1);
    const before = quotesOf(reader).length;
    own.tick(1);
    reader.is.live = false;
    own.clock.advance(STREAM_BEAT_MS);
    await settle();
    expect([quotesOf(reader).length, own.hub.count]).toEqual([before, 0]);
  });

  test('ends when nothing of it is its reader’s any more', async () => {
    const own = market();
    let theirs = true;
    const notices = new Map<string, StreamNotice>([['orders:claude', { kind: 'orders' }]]);
    const reader = own.open({ notices: () => (theirs ? notices : undefined) });
    own.change(topic.lists);
    own.clock.advance(STREAM_BEAT_MS);
    expect(own.hub.count).toBe(1);
    theirs = false;
    own.change(topic.listsOf('claude'));
    own.clock.advance(STREAM_BEAT_MS);
    expect([own.hub.count, reader.is.closed]).toEqual([0, true]);
  });

  test('that comes back to very much is told of it in pieces, and others have their turn in between', async () => {
    const own = market();
    let left = 10_000;
    const order = (): StreamEvent => ({
      event: 'order',
      data: JSON.stringify({ fill: 'x'.repeat(800) }),
      id: `${left}-0`,
    });
    const late = own.open({
      notices: () => new Map<string, StreamNotice>([['orders:claude', { kind: 'orders' }]]),
      orders() {
        const events = Array.from({ length: Math.min(50, left) }, order);
        left -= events.length;
        return { events, more: left > 0 };
      },
    });
    const other = own.open();
    other.readAll();
    await play(own, 20);
    // Nobody reads it: no more was looked up than fits.
    expect(held(late)).toBeLessThanOrEqual(HELD_MAX);
    expect(left).toBeGreaterThan(9_000);
    expect(Math.max(...quotesOf(other).map(({ ageMs }) => ageMs))).toBeLessThanOrEqual(STREAM_BEAT_MS);
    late.readAll();
    await play(own, 400);
    expect(left).toBe(0);
    expect(late.heard().filter(({ event }) => event === 'order')).toHaveLength(10_000);
  });

  test('asks for an account once at a time, and again when it changed meanwhile', async () => {
    const own = market();
    const asked: ((event: StreamEvent) => void)[] = [];
    const account = accountId('paper');
    const reader = own.open({
      notices: () => new Map<string, StreamNotice>([['account:paper', { kind: 'account', account }]]),
      account: () => new Promise((answer) => asked.push(answer)),
    });
    reader.readAll();
    for (let n = 0; n < 100; n++) {
      own.change('account:paper');
      own.clock.advance(STREAM_BEAT_MS);
    }
    expect(asked).toHaveLength(1);
    own.clock.advance(STREAM_ACCOUNT_INTERVAL_MS);
    expect(asked).toHaveLength(2);
    for (const answer of asked) answer({ event: 'account', data: '{}' });
    own.clock.advance(10 * STREAM_ACCOUNT_INTERVAL_MS);
    await settle();
    expect([asked.length, reader.heard().filter(({ event }) => event === 'account').length]).toEqual([2, 2]);
  });
});
