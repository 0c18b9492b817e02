/** What lines of the record become: every kind with nothing in it and with hostile words in all of it, and what is nobody's news. */
import { describe, expect, test } from 'vitest';
import type { AuditLine } from '#audit/query.ts';
import { bodyText, titleText } from '#notify/message.ts';
import type { Draft } from '#notify/outbox.ts';
import { TALE_KINDS, taleOf } from '#notify/tales.ts';

const HOSTILE = '\u202E\u200B\u001B[31mx\r\nBcc: eve@evil.example\u2066 https://evil.example/pay <b>now</b>';
const STEERS = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
const NAMES = [
  'order_id',
  'approval_id',
  'symbol',
  'side',
  'qty',
  'filled_qty',
  'limit_price',
  'value',
  'currency',
  'expires_at',
  'from',
  'reason',
  'why',
  'text',
  'limit',
  'used',
  'max',
  'per',
  'by',
  'address',
  'device',
  'silent_s',
  'price',
  'recorded',
  'broker',
  'directory',
  'fault',
  'ends_at',
  'instrument',
  'product',
  'holders',
  'amount',
  'cash',
  'ours',
];
const FIXED: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  'agent.reducing': { reason: 'mandate_expired' },
  'agent.halted': { after: 'agent' },
  'order.transition': { to: 'unknown', from: 'submitting' },
  'owner.signed_in': { device: null },
  'feed.reopened': { tries: '3' },
  'directory.failed': { times: '2' },
  'account.added': { mode: 'live' },
};

const lineOf = (kind: string, detail: AuditLine['detail'], name: string | null): AuditLine => ({
  seq: 1,
  time: '2026-01-05T12:00:00.000Z',
  kind,
  agent: name,
  credential: null,
  door: null,
  tool: null,
  scope: 'write:orders',
  account: name,
  outcome: 'error',
  latency_ms: null,
  args_hmac: null,
  detail,
  prev: '',
  hash: '',
});
const draftOf = (line: AuditLine): Draft | undefined => {
  const tale = taleOf(line);
  if (tale?.kind === 'tell') return tale.draft;
  return tale?.kind === 'over' ? tale.news : undefined;
};
const KINDS = [...TALE_KINDS, 'order.transition'];

describe('every kind of line', () => {
  test.each(KINDS)('%s reads as plain lines, whatever is in it', (kind) => {
    const hostile = { ...Object.fromEntries(NAMES.map((name) => [name, HOSTILE])), ...FIXED[kind] };
    const draft = draftOf(lineOf(kind, hostile, HOSTILE));
    if (draft === undefined) return;
    const [title, body] = [titleText(draft.title), bodyText(draft.body)];
    expect(title).not.toMatch(STEERS);
    for (const one of body.split('\n')) expect(one).not.toMatch(STEERS);
    expect(title.length).toBeLessThanOrEqual(120);
    expect(body.length).toBeLessThanOrEqual(2_001);
    expect(draft.path ?? '').toMatch(/^\/admin(?:\/[\w%.~!*'()-]*)*$/);
  });

  test.each(KINDS)('%s is no fault when nothing is in it', (kind) => {
    for (const detail of [null, {}, { after: null, why: { deep: ['x'] }, qty: 7 }]) {
      const draft = draftOf(lineOf(kind, detail, null));
      if (draft !== undefined) expect(titleText(draft.title)).not.toBe('');
    }
  });
});

test('words that an agent or a broker wrote are said to be theirs, and nothing in them is a link', () => {
  const halted = draftOf(lineOf('agent.halted', { after: 'agent', why: HOSTILE }, 'claude'));
  expect(halted?.body[1]).toMatch(
    /^Written by the agent, not checked: “x.*https: \/\/evil \. example\/pay.*”$/,
  );
  const away = draftOf(lineOf('broker.disconnected', { text: HOSTILE }, 'paper'));
  expect(away?.body.join('\n')).toMatch(/What the connection said: “/);
  expect(away?.body.join('\n')).not.toContain('://');
});

test('what the owner did, what is a look, and what changes nothing are nobody’s news', () => {
  const silent = [
    lineOf('agent.halted', { after: 'owner', why: 'x' }, 'claude'),
    lineOf('agent.reducing', { reason: 'mandate_revoked' }, 'claude'),
    lineOf('agent.reducing', { reason: 'daily_loss' }, 'claude'),
    lineOf('order.created', { to: 'open' }, 'claude'),
    lineOf('approval.renewed', {}, 'claude'),
    lineOf('notify.given_up', {}, null),
    { ...lineOf('tool.call', { reason: 'throttled' }, 'claude'), scope: 'read:market' },
    { ...lineOf('audit.repaired', {}, null), outcome: 'ok' as const },
    lineOf('owner.signed_in', { device: 'dev_1', address: '127.0.0.1' }, null),
    lineOf('toString', {}, null),
    lineOf('account.added', { mode: 'paper', broker: 'alpaca' }, 'main'),
    lineOf('directory.failed', { times: 1, directory: 'alpaca' }, null),
    lineOf('directory.failed', { times: 3, directory: 'alpaca' }, null),
    lineOf('feed.reopened', { tries: 1, symbol: 'main' }, 'main'),
    lineOf('feed.reopened', { tries: 4, symbol: 'main' }, 'main'),
    lineOf('broker.signed_in', {}, 'main'),
  ];
  for (const line of silent) expect(taleOf(line), line.kind).toBeUndefined();
});

test('what a comparison with a broker found is told of its account, and nothing else is made of it', () => {
  const bodyOf = (kind: string, detail: AuditLine['detail'], outcome: 'ok' | 'unknown' = 'ok') => {
    const draft = draftOf({ ...lineOf(kind, detail, 'main'), outcome });
    expect([draft?.kind, draft?.path]).toEqual(['books', '/admin/accounts/main']);
    return draft?.body.join(' ') ?? '';
  };
  expect(bodyOf('ledger.adjusted', { amount: '-3', cash: '97' })).toContain('By -3, to 97:');
  const apart = { instrument: 'ALPACA:AAPL', ours: '2', broker: '5' };
  expect(bodyOf('reconcile.mismatch', { ...apart, adopted: true })).toMatch(
    /5 at the broker, 2 in the books.*taken into/,
  );
  expect(bodyOf('reconcile.mismatch', { ...apart, adopted: false, why: 'there is no price' })).toMatch(
    /stays apart, and no limit counts it: there is no price\.$/,
  );
  expect(bodyOf('broker.unlisted', { what: 'order', instrument: 'X:https://evil.example' })).not.toContain(
    '://',
  );
  const closed = {
    symbol: 'INFY',
    product: 'mis',
    side: 'sell',
    qty: '4',
    price: '9',
    holders: 'anna 3, claude 1',
  };
  expect(bodyOf('position.closed_elsewhere', closed)).not.toContain('can not be told');
  expect(bodyOf('position.closed_elsewhere', closed, 'unknown')).toContain('Whose it was can not be told');
});

test('what is lost is told in cents of its currency, never as less than it is', () => {
  const bodyOf = (detail: Readonly<Record<string, string>>): string =>
    draftOf(lineOf('limit.breached', detail, 'claude'))?.body.join(' ') ?? '';
  const figures = { limit: 'max_daily_loss', used: '0.1712', max: '0.1', currency: 'USD' };
  expect(bodyOf(figures)).toContain('It stands at 0.18 of 0.10 USD.');
  expect(bodyOf({ limit: 'max_drawdown', used: '30.01', max: '30' })).toContain('30.01 of 30 %.');
  expect(bodyOf({ limit: 'repeated_refusals', used: '100', max: '100', per: 'minute' })).toContain(
    '100 of 100 per minute.',
  );
});

test('a mandate that was tightened is told with what it was; an unclear order with what it is', () => {
  const change = { before: { max_daily_loss: '500' }, after: { max_daily_loss: '200' } };
  expect(draftOf(lineOf('mandate.tightened', change, 'claude'))?.body).toContain(
    'max_daily_loss: 500 → 200.',
  );
  const order = {
    to: 'unknown',
    from: 'submitting',
    side: 'buy',
    qty: '3',
    symbol: 'SPX',
    order_id: 'ord_1',
  };
  expect(draftOf(lineOf('order.transition', order, 'claude'))?.title).toBe(
    'Unclear: buy 3 SPX of claude on claude',
  );
});

test('what the broker says against the owner’s own entry is told with both words', () => {
  const detail = { order_id: 'ord_1', recorded: 'never_received', broker: 'partially_filled' };
  const draft = draftOf(lineOf('evidence.contradicted', detail, 'claude'));
  expect(draft).toMatchObject({
    kind: 'unknown',
    title: 'The broker contradicts what you recorded of an order of claude',
    path: '/admin/orders/ord_1',
  });
  expect(draft?.body[0]).toContain(
    'You recorded never received; the broker of claude says partially filled.',
  );
});

test('what a broker has at work against the books is told once, with both words', () => {
  const detail = { order_id: 'ord_1', taken_up_as: 'ord_2', was: 'rejected', against: 'its own word' };
  const up = draftOf(lineOf('order.taken_up', detail, 'claude'));
  expect(up).toMatchObject({
    kind: 'unknown',
    title: 'At work all the same: an order of claude on claude',
    path: '/admin/orders/ord_2',
  });
  expect(up?.body[0]).toContain('The books had it as rejected');
  // Told by the contradiction already.
  expect(taleOf(lineOf('order.taken_up', { ...detail, against: 'evidence' }, 'claude'))).toBeUndefined();
  const terms = { order_id: 'ord_1', ours: '10, limit 99', broker: '20, limit 99' };
  expect(draftOf(lineOf('order.terms_followed', terms, 'claude'))?.body[0]).toContain(
    'The books had 10, limit 99; the broker, asked again, has it at work for 20, limit 99.',
  );
});

test('a session at a broker is told of before it ends and when it has, and a sign-in ends both', () => {
  const ends = { needed: 'soon', ends_at: '2026-01-06T00:30:00.000Z' };
  const soon = draftOf(lineOf('broker.sign_in_needed', ends, 'kite'));
  expect(soon).toMatchObject({ title: 'Sign in at the broker of kite soon', needsOwner: true });
  expect(soon?.body[0]).toContain('ends at 00:30 UTC');
  expect(soon?.standing).toBeUndefined();
  const now = draftOf(lineOf('broker.sign_in_needed', { needed: 'now', ends_at: null }, 'kite'));
  expect(now).toMatchObject({ subject: soon?.subject, standing: true, path: '/admin/accounts/kite/sign-in' });
  expect(taleOf({ ...lineOf('broker.signed_in', {}, 'kite'), outcome: 'ok' })).toEqual({
    kind: 'over',
    of: 'connection',
    subject: soon?.subject,
  });
});

test('a live feed is told by its account, once when several tries have not healed it; a list at its second failure', () => {
  const away = draftOf(lineOf('feed.down', { source: 'main', silent_s: 25 }, 'main'));
  expect(away).toMatchObject({
    title: 'No prices from the broker of main although a market is open',
    path: '/admin/accounts/main',
  });
  expect(
    draftOf({ ...lineOf('feed.down', { symbol: 'SPX', silent_s: 25 }, null), account: null })?.title,
  ).toBe('No prices of SPX although its market is open');
  const still = draftOf(lineOf('feed.reopened', { source: 'main', silent_s: 60, tries: 3 }, 'main'));
  expect(still).toMatchObject({ subject: away?.subject, title: 'Still no prices from the broker of main' });
  const failed = draftOf(lineOf('directory.failed', { directory: 'alpaca', fault: HOSTILE, times: 2 }, null));
  expect(failed?.body[1]).toMatch(/^Why: “/);
  expect(taleOf(lineOf('directory.refreshed', { directory: 'alpaca' }, null))).toMatchObject({
    kind: 'over',
    subject: failed?.subject,
  });
});
