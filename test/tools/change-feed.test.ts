/** What is told as a change: every kind of event that changes something shown, after its commit, and ticks of the feed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { price } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import type { FeedTick } from '#ports.ts';
import { type ChangeSources, openChangeFeed, type Pace, topic } from '#tools/change-feed.ts';
import { toolRoom } from '../support/tool-room.ts';

type Told = readonly [readonly string[], Pace];

/** A real record and real authority; ticks come from the test. */
function room() {
  const { services } = toolRoom();
  const { access, audit } = services as unknown as {
    readonly access: ChangeSources['access'];
    readonly audit: ChangeSources['audit'] & { record: (event: object) => number };
  };
  let tick: ((tick: FeedTick) => void) | undefined;
  const told: Told[] = [];
  const feed = openChangeFeed({
    access,
    audit,
    markets: {
      onTick(listener) {
        tick = listener;
        return () => {
          tick = undefined;
        };
      },
    },
  });
  const stop = feed.onChange((topics, pace) => void told.push([topics, pace]));
  return {
    services,
    told,
    stop,
    isTicking: () => tick !== undefined,
    record: (event: object) => services.transaction(() => audit.record({ outcome: 'ok', ...event })),
    tick: (sessionEnd: boolean) =>
      tick?.({
        run: 1,
        sessionEnd,
        quote: {
          instrument: instrumentId('INDEX:SPX'),
          bid: price('1'),
          ask: price('2'),
          last: null,
          bidSize: null,
          askSize: null,
          timeMs: 0,
          publishedMs: 0,
          source: 'derived',
        },
      }),
  };
}

describe('an event on the record', () => {
  test('is told once its transaction has committed, and never when it was rolled back', () => {
    const { services, record, told } = room();
    const event = { kind: 'order.created', agent: 'claude', account: 'paper', detail: { order_id: 'ord_1' } };
    expect(() =>
      services.transaction(() => {
        record(event);
        throw new Error('rolled back');
      }),
    ).toThrow();
    expect(told).toEqual([]);
    services.transaction(() => {
      record(event);
      expect(told).toEqual([]);
    });
    expect(told.flatMap(([topics]) => topics)).toEqual([
      topic.order('ord_1'),
      topic.orders('claude'),
      topic.mandate('claude'),
      topic.account('paper'),
    ]);
  });
  test('of a fill is about what the account holds too', () => {
    const { record, told } = room();
    record({ kind: 'order.executed', agent: 'claude', account: 'paper', detail: { order_id: 'ord_1' } });
    record({
      kind: 'order.transition',
      agent: 'claude',
      account: 'paper',
      detail: { order_id: 'o', to: 'filled' },
    });
    for (const [topics] of told) expect(topics).toContain(topic.holdings('paper'));
  });
  test('that is a look is told to nobody', () => {
    const { record, told } = room();
    for (const kind of ['tool.call', 'auth.denied', 'order.previewed', 'kill.report']) record({ kind });
    expect(told).toEqual([]);
  });
  test('of the gateway’s state is about lists only when there are lists again', () => {
    const { record, told } = room();
    record({ kind: 'gateway.state', detail: { after: 'HALTED' } });
    record({ kind: 'gateway.state', detail: { after: 'ACTIVE' } });
    expect(told.map(([topics]) => topics.includes(topic.lists))).toEqual([false, true]);
  });
  test('is of a kind that somebody records', () => {
    const sources = readdirSync('server', { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('change-feed.ts'))
      .map((path) => readFileSync(join('server', path), 'utf8'))
      .join('\n');
    const feed = readFileSync('server/tools/change-feed.ts', 'utf8');
    const kinds = [...feed.matchAll(/'([a-z]+\.[a-z_]+)',/g)].flatMap(([, kind]) => kind ?? []);
    expect(kinds.length).toBeGreaterThan(15);
    for (const kind of kinds) expect(sources.includes(`'${kind}'`), kind).toBe(true);
  });
});

test('the end of an epoch is told as ended credentials, whether it is on the record or in memory alone', () => {
  const { services, told } = room();
  const { access } = services as unknown as {
    readonly access: { bumpEpoch(): number; haltInMemory(why: string): void };
  };
  services.transaction(() => access.bumpEpoch());
  access.haltInMemory('the disk is full');
  expect(told.filter(([topics]) => topics.includes(topic.credentials))).toHaveLength(2);
});

test('ticks are prices at the slow pace; the last of a session and the first of the next are about the clock', () => {
  const { tick, told } = room();
  for (const sessionEnd of [false, true, false, false]) tick(sessionEnd);
  const [quote, session] = [topic.quote('INDEX:SPX'), topic.session('INDEX:SPX')];
  expect(told).toEqual([
    [[quote], 'market'],
    [[quote], 'market'],
    [[session], 'now'],
    [[quote], 'market'],
    [[session], 'now'],
    [[quote], 'market'],
  ]);
});

test('nothing is listened to once nobody wants to know', () => {
  const { record, stop, told, isTicking } = room();
  expect(isTicking()).toBe(true);
  stop();
  expect(isTicking()).toBe(false);
  record({ kind: 'order.created', agent: 'claude', account: 'paper' });
  expect(told).toEqual([]);
});
