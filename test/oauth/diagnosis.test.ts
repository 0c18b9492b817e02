// For each place where a connection can be stuck there is a sentence of what happened and one of what to do, and no two are confused.

import { describe, expect, it } from 'vitest';
import { agentId } from '#domain/principal.ts';
import { CONNECTION_UNDER_WAY_MS } from '#limits.ts';
import { diagnose } from '#oauth/diagnosis.ts';
import { FAILURES, STAGES } from '#oauth/diagnosis-words.ts';
import type { Connection, ConnectionStep, RemoteClient } from '#oauth/records.ts';

const facts = {
  on: true,
  publicUrl: 'https://gate.example.com',
  redirectHost: 'claude.ai',
  codeTtlSeconds: 60,
  requireApproval: true,
};
const APPROVED: RemoteClient = {
  clientId: 'client_1',
  credential: 'client_1',
  kind: 'registered',
  state: 'approved',
  metadata: { client_name: 'Claude', redirect_uris: [], token_endpoint_auth_method: 'none' },
  agent: { id: agentId('agent_1'), name: 'claude' },
  askedScopes: [],
  ceiling: ['read:market'],
  address: '',
  userAgent: '',
  createdAtMs: 0,
  decidedAtMs: 0,
  lastUsedAtMs: null,
  liveGrants: 1,
};

type Came = readonly (ConnectionStep | readonly [ConnectionStep, string])[];
/** Ten seconds from step to step. */
function connection(came: Came): Connection {
  const steps = came.map((one, index) => {
    const [step, lastOutcome] = typeof one === 'string' ? [one, 'ok'] : one;
    const atMs = 1_000_000 + index * 10_000;
    return { step, firstAtMs: atMs, lastAtMs: atMs, times: 1, lastOutcome };
  });
  return { subject: 'x', steps, lastAtMs: Math.max(0, ...steps.map(({ lastAtMs }) => lastAtMs)) };
}
/** `null`: no client yet. */
function told(came: Came, client: RemoteClient | null = APPROVED, laterMs = 3_600_000) {
  const made = connection(came);
  const { verdict, says, todo, stages } = diagnose({
    connection: made,
    client: client ?? undefined,
    facts,
    nowMs: made.lastAtMs + laterMs,
  });
  return { verdict, says, todo, states: stages.map(({ state }) => state), stages };
}

const FOUND: Came = ['challenge', 'resource_metadata', 'server_metadata'];
const IN: Came = [...FOUND, 'registration', 'authorize', 'approval', 'sign_in', 'consent'];

describe('a connection that is stuck', () => {
  it.each([
    ['asked no further after 401', ['challenge'], null, 'has not looked there', '/.well-known/'],
    ['read half', ['challenge', 'resource_metadata'], null, 'not where tokens', 'must answer JSON'],
    ['did not register', FOUND, null, 'has not registered', 'Press Connect'],
    [
      'was never opened in a browser',
      [...FOUND, 'registration'],
      APPROVED,
      'not been opened',
      'Press Connect',
    ],
    [
      'waits for sign-in',
      [...FOUND, 'registration', 'authorize'],
      APPROVED,
      'waits for you to sign in',
      'Go on',
    ],
    ['waits for consent', IN.slice(0, -1), APPROVED, 'have not said what it may do', 'Go on'],
    [
      'never came back for the token',
      IN,
      APPROVED,
      'claude.ai, and it never came back',
      '/oauth/token within 60',
    ],
    ['authorised, then nothing', [...IN, 'token'], APPROVED, 'authorised, then nothing', 'new conversation'],
  ] as const)('%s', (_name, came, client, says, todo) => {
    const found = told(came, client);
    expect(found.verdict).toBe('stuck');
    expect(found.says).toContain(says);
    expect(found.todo).toContain(todo);
    expect(found.states.filter((state) => state === 'next')).toHaveLength(1);
    expect(found.states).not.toContain('failed');
    expect(told(came, client, CONNECTION_UNDER_WAY_MS - 1).verdict, 'not stuck yet').toBe('under_way');
  });

  it('is under way since the owner let it in or made it, however long ago it asked', () => {
    const justLetIn: RemoteClient = { ...APPROVED, liveGrants: 0, decidedAtMs: 9_000_000 };
    for (const came of [[], [...FOUND, 'registration', 'authorize', ['approval', 'waiting']]] as Came[])
      for (const [nowMs, verdict] of [
        [9_000_000 + CONNECTION_UNDER_WAY_MS - 1, 'under_way'],
        [9_000_000 + CONNECTION_UNDER_WAY_MS, 'stuck'],
      ] as const)
        expect(diagnose({ connection: connection(came), client: justLetIn, facts, nowMs }).verdict).toBe(
          verdict,
        );
  });

  it('is not the same when it consented and stayed away as when it fetched a token and stayed silent', () => {
    const [never, silent] = [told(IN), told([...IN, 'token'])];
    expect(never.states.slice(-2)).toEqual(['next', 'ahead']);
    expect(silent.states.slice(-2)).toEqual(['done', 'next']);
    expect(never.todo).not.toBe(silent.todo);
  });

  it('waits for the owner as long as its client does, whatever it was answered', () => {
    const pending: RemoteClient = { ...APPROVED, state: 'pending', agent: null, ceiling: [], liveGrants: 0 };
    for (const came of [
      [...FOUND, 'registration'],
      [...FOUND, 'registration', 'authorize', ['approval', 'unauthorized_client']],
    ] as Came[]) {
      const found = told(came, pending);
      expect(found.verdict).toBe('waits');
      expect(found.states[STAGES.indexOf('approval')]).toBe('next');
      expect(found.stages.every(({ error }) => error === null)).toBe(true);
    }
    const since = told(
      [...FOUND, 'registration', 'authorize', ['approval', 'unauthorized_client']],
      APPROVED,
      0,
    );
    expect(since.says).toContain('approved it since');
    expect(since.verdict, 'the approval was the answer').toBe('under_way');
    expect(since.states[STAGES.indexOf('approval')]).toBe('done');
    expect(since.states[STAGES.indexOf('sign_in')]).toBe('next');
    expect(since.stages.every(({ error }) => error === null)).toBe(true);
  });

  it.each([
    [['authorize', 'invalid_client'], null, 'not known here', 'Remove the connector'],
    [['authorize', 'invalid_target'], APPROVED, 'another address', 'https://gate.example.com/mcp'],
    [['registration', 'invalid_redirect_uri'], null, 'nobody may be answered at', 'https'],
    [['token', 'invalid_grant'], APPROVED, 'not good any more', 'Connect again'],
    [['token', 'invalid_client'], APPROVED, 'did not prove', 'new secret'],
    [['refresh', 'invalid_grant'], APPROVED, 'could not renew', 'Connect again'],
    [['refresh', 'invalid_client'], APPROVED, 'did not prove', 'new secret'],
    [['refresh', 'invalid_client'], null, 'not known here', 'Remove the connector'],
    [['token', 'invalid_client'], null, 'not known here', 'Remove the connector'],
    [['consent', 'access_denied'], APPROVED, 'refused', 'leave ticked'],
    [['authorize', 'temporarily_unavailable'], APPROVED, 'could not use its records', 'has room'],
    [['first_call', 'unauthenticated'], null, 'not for this address', 'Connect again'],
    [['first_call', 'credential_revoked'], APPROVED, 'of a grant that has ended', 'Connect again'],
    [['first_call', 'trading_halted'], APPROVED, 'kill switch', 'Resume'],
    [['sign_in', 'locked'], APPROVED, 'was locked', 'Connect again'],
  ] as const)('says what the last answer means: %s', (last, client, says, todo) => {
    const found = told(['challenge', last], client);
    expect([found.verdict, found.states.filter((state) => state === 'failed').length]).toEqual(['stuck', 1]);
    expect(found.says).toContain(says);
    expect(found.todo).toContain(todo);
    expect(told(['challenge', last], client, 0).verdict, 'at once').toBe('stuck');
  });

  it('has words for every answer that it has words for, and for one that nobody thought of', () => {
    for (const stage of STAGES)
      for (const outcome of [...Object.keys(FAILURES[stage]), 'constructor', 'toString', '<b>']) {
        const step = stage === 'discovery' ? 'resource_metadata' : stage;
        const { says, todo } = told([[step, outcome]]);
        expect(says, `${stage} ${outcome}`).toMatch(/\.$/);
        if (stage !== 'approval') expect(todo).toMatch(/\.$/);
      }
  });
});

describe('where no approval is asked for', () => {
  const pending: RemoteClient = { ...APPROVED, state: 'pending', agent: null, ceiling: [], liveGrants: 0 };
  const [approval, signIn] = [STAGES.indexOf('approval'), STAGES.indexOf('sign_in')];
  const toldOf = (came: Came, client = pending, laterMs = 3_600_000) => {
    const made = connection(came);
    const nowMs = made.lastAtMs + laterMs;
    return diagnose({ connection: made, client, facts: { ...facts, requireApproval: false }, nowMs });
  };

  it('a client that is not let in waits for its page, for sign-in and for consent, and never for an approval', () => {
    for (const [came, says] of [
      [[], 'has not been opened in a browser'],
      [[...FOUND, 'registration'], 'has not been opened in a browser'],
      [[...FOUND, 'registration', 'authorize', 'approval'], 'waits for you to sign in; it needs no approval'],
      [[...FOUND, 'registration', 'authorize', 'approval', 'sign_in'], 'have not said what it may do'],
      [[...FOUND, 'registration', 'authorize', ['approval', 'waiting']], 'needs none any more'],
    ] as [Came, string][]) {
      const found = toldOf(came);
      expect(found.says).toContain(says);
      expect(found.todo).not.toContain('approve');
      expect([found.verdict, toldOf(came, pending, 0).verdict]).toEqual(['stuck', 'under_way']);
      expect(['unseen', 'ahead']).toContain(found.stages[approval]?.state);
      expect(found.stages.every(({ error }) => error === null)).toBe(true);
    }
    const waited = toldOf([...FOUND, 'registration', 'authorize', ['approval', 'waiting']]);
    expect(waited.stages[signIn]?.state).toBe('next');
  });

  it('one that was let in has passed it, and one that was rejected is over', () => {
    expect(toldOf([...IN, 'token', 'first_call'], APPROVED)).toMatchObject({ verdict: 'works' });
    expect(toldOf(IN, APPROVED).stages[approval]?.state).toBe('done');
    expect(toldOf(IN, { ...pending, state: 'revoked' }).verdict).toBe('over');
  });
});

describe('a connection that is not', () => {
  it('works once it has called, and goes on working when its token is renewed and when it is told 401 in between', () => {
    for (const came of [
      [...IN, 'token', 'first_call'],
      [...IN, 'token', 'refresh', 'first_call'],
    ] as Came[])
      expect(told(came)).toMatchObject({ verdict: 'works', todo: '' });
  });

  it('is over when it was revoked or none of its grants lives', () => {
    const came: Came = [...IN, 'token', 'first_call'];
    expect(told(came, { ...APPROVED, liveGrants: 0 })).toMatchObject({ verdict: 'over' });
    const refused: Came = [...IN, 'token', ['first_call', 'credential_revoked']];
    expect(told(refused, { ...APPROVED, liveGrants: 0 })).toMatchObject({ verdict: 'over' });
    expect(told(came, { ...APPROVED, state: 'revoked' })).toMatchObject({ verdict: 'over' });
    expect(told([], { ...APPROVED, state: 'revoked' })).toMatchObject({ verdict: 'over' });
  });

  it('begins anew where it connects again: what came of the attempt before is not taken for this one', () => {
    const made = connection([...IN, 'token', 'first_call']);
    const atMs = made.lastAtMs + 600_000;
    const steps = made.steps.map((one) => (one.step === 'authorize' ? { ...one, lastAtMs: atMs } : one));
    const { stages, says } = diagnose({
      connection: { ...made, steps, lastAtMs: atMs },
      client: APPROVED,
      facts,
      nowMs: atMs + 3_600_000,
    });
    expect(says).toContain('waits for you to sign in');
    expect(stages.slice(-4).map(({ state }) => state)).toEqual(['next', 'ahead', 'ahead', 'ahead']);
    expect(stages.at(-1)?.atMs).toBeNull();
  });

  it('tells nobody to connect again while remote MCP is off; what you revoked stays what you revoked', () => {
    const off = { ...facts, on: false };
    const made = connection([...IN, 'token', 'first_call']);
    const { verdict, says, todo } = diagnose({
      connection: made,
      client: APPROVED,
      facts: off,
      nowMs: 2_000_000,
    });
    expect([verdict, says, todo]).toEqual([
      'over',
      expect.stringContaining('is off'),
      expect.stringContaining('Switch it on'),
    ]);
    const revoked = { ...APPROVED, state: 'revoked' } as const;
    expect(diagnose({ connection: made, client: revoked, facts: off, nowMs: 2_000_000 }).says).toContain(
      'You revoked',
    );
  });

  it('is at the furthest of the steps of one moment: a page that goes on passes the first ones again', () => {
    const steps = (['authorize', 'sign_in'] as const).map((step, index) => ({
      step,
      firstAtMs: 0,
      lastAtMs: 1_000_000 - index,
      times: 1,
      lastOutcome: 'ok',
    }));
    const made = { subject: 'x', steps, lastAtMs: 1_000_000 };
    const { says } = diagnose({ connection: made, client: APPROVED, facts, nowMs: 1_000_000 });
    expect(says).toContain('have not said what it may do');
  });
});
