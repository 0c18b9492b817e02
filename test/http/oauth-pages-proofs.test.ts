/** What proves the owner on the pages of an authorization: passphrase and code, counted with the console's, each code good once. */
import { afterEach, describe, expect, test } from 'vitest';
import { SCOPES } from '#domain/principal.ts';
import {
  atConsent,
  atSignIn,
  grantsOf,
  post,
  recorded,
  type Scene,
  signInFields,
} from '../support/consent-scene.ts';
import { deskOf } from '../support/remote-flow.ts';
import {
  openRemoteGateway,
  type RemoteGateway,
  type RemoteGatewayOptions,
} from '../support/remote-gateway.ts';

const WRITING = { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' };
const ALL = { scopes: [...SCOPES], expires: '7' };
const READ = { scopes: ['read:market'], expires: '7' };

let at: RemoteGateway;
async function open(o: RemoteGatewayOptions = {}): Promise<RemoteGateway> {
  at = await openRemoteGateway({ settings: WRITING, ...o });
  return at;
}
afterEach(() => at.close());

const ownerOf = () => at.gateway.access.owner;
const granted = (scene: Scene): number => grantsOf(at, scene.clientId).length;

describe('a code before writing', () => {
  test('is asked for, counts as no try while it is missing, and stands in the grant', async () => {
    await open({ totp: ['remote_write'] });
    const scene = await atConsent(at);
    for (let n = 0; n < 7; n++) {
      const answer = await post(at, scene, 'consent', ALL);
      expect([answer.status, answer.location]).toEqual([401, null]);
      expect(answer.html).toContain('enter a fresh code from your authenticator app');
    }
    expect(granted(scene)).toBe(0);
    const code = at.owner.code();
    const answer = await post(at, scene, 'consent', { ...ALL, code });
    expect(answer.status).toBe(303);
    expect(grantsOf(at, scene.clientId)[0]?.steppedUpAtMs).toBeTypeOf('number');
    expect(JSON.stringify(recorded(at, ''))).not.toContain(code);
  });

  test('is not asked for by what reads alone, nor where the owner does not want one', async () => {
    await open({ totp: ['remote_write'] });
    const reading = await atConsent(at);
    expect((await post(at, reading, 'consent', READ)).status).toBe(303);
    expect(grantsOf(at, reading.clientId)[0]?.steppedUpAtMs).toBeNull();
    ownerOf().setPurposes(new Set());
    const writing = await atConsent(at);
    expect(writing.page.html).not.toContain('name="code"');
    expect((await post(at, writing, 'consent', ALL)).status).toBe(303);
  });

  test('is asked for at once when the owner wants one while the page is open', async () => {
    await open({ totp: [] });
    const scene = await atConsent(at);
    ownerOf().setPurposes(new Set(['remote_write']));
    const answer = await post(at, scene, 'consent', ALL);
    expect([answer.status, granted(scene)]).toEqual([401, 0]);
    expect(answer.html).toContain('name="code"');
  });

  test('is good once: a replay in another page grants nothing, at the same moment neither', async () => {
    await open({ totp: ['remote_write'] });
    const code = at.owner.code();
    const scenes = [await atConsent(at), await atConsent(at), await atConsent(at)] as const;
    const answers = await Promise.all(scenes.map((scene) => post(at, scene, 'consent', { ...ALL, code })));
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['303', '401', '401']);
    expect(scenes.flatMap(({ clientId }) => grantsOf(at, clientId))).toHaveLength(1);
    const later = await atConsent(at);
    const replay = await post(at, later, 'consent', { ...ALL, code });
    expect([replay.status, granted(later)]).toEqual([401, 0]);
    expect(replay.html).toContain('wrong or was used already');
    expect(replay.html).not.toContain(code);
  });

  test('can not be the one of the sign-in', async () => {
    await open({ totp: ['sign_in', 'remote_write'] });
    const scene = await atSignIn(at);
    const { browser, page } = scene;
    const code = at.owner.code();
    const next = await browser.send(page, browser.form(page, '/sign-in'), { ...signInFields(at), code });
    const consenting = { ...scene, page: next };
    const answer = await post(at, consenting, 'consent', { ...ALL, code });
    expect([answer.status, granted(scene)]).toEqual([401, 0]);
    expect((await post(at, consenting, 'consent', { ...ALL, code: at.owner.code() })).status).toBe(303);
  });

  test('may be a recovery code, once', async () => {
    await open({ totp: ['remote_write'] });
    const [code = ''] = ownerOf().newRecoveryCodes();
    const [one, two] = [await atConsent(at), await atConsent(at)];
    expect((await post(at, one, 'consent', { ...ALL, code })).status).toBe(303);
    expect((await post(at, two, 'consent', { ...ALL, code })).status).toBe(401);
    expect([granted(one), granted(two)]).toEqual([1, 0]);
    expect(recorded(at, 'owner.recovery_used')).toHaveLength(1);
  });

  test('that can be none is refused like a wrong one', async () => {
    await open({ totp: ['remote_write'] });
    const scene = await atConsent(at);
    for (const code of ['12345', 'abcdef', '１２３４５６', '\u0000'.repeat(6)]) {
      const answer = await post(at, scene, 'consent', { ...ALL, code });
      expect([answer.status, answer.location, granted(scene)], code).toEqual([401, null, 0]);
    }
  });

  test('lockout: after five wrong ones the right one is not looked at, here and in the console', async () => {
    await open({ totp: ['remote_write'] });
    const scene = await atConsent(at);
    for (let n = 0; n < 5; n++)
      expect((await post(at, scene, 'consent', { ...ALL, code: '000000' })).status).toBe(401);
    const right = at.owner.code();
    const locked = await post(at, scene, 'consent', { ...ALL, code: right });
    expect([locked.status, locked.location, granted(scene)]).toEqual([429, null, 0]);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(60);
    const session = ownerOf().openSession({ address: '127.0.0.1', userAgent: 'test' });
    const stepped = await ownerOf().stepUp(session.token, right, { address: '127.0.0.1', userAgent: 'test' });
    expect(stepped.ok ? 'ok' : stepped.error.reason).toBe('rate_limited');
    // What needs no code is not kept from the owner by who guesses.
    expect((await post(at, scene, 'consent', READ)).status).toBe(303);
  });

  test('lockout: guesses in the console count here', async () => {
    await open({ totp: ['remote_write'] });
    const from = { address: '127.0.0.1', userAgent: 'test' };
    const session = ownerOf().openSession(from);
    for (let n = 0; n < 5; n++) await ownerOf().stepUp(session.token, '000000', from);
    const scene = await atConsent(at);
    const answer = await post(at, scene, 'consent', { ...ALL, code: at.owner.code() });
    expect([answer.status, granted(scene)]).toEqual([429, 0]);
  });
});

describe('signing in', () => {
  test('says the same to a name that there is not and to a wrong passphrase', async () => {
    await open();
    const scene = await atSignIn(at);
    const guesses = [
      { name: 'nobody', passphrase: at.owner.passphrase },
      { name: at.owner.name, passphrase: 'a wrong passphrase' },
      { name: 'nobody', passphrase: 'a wrong passphrase' },
    ];
    const answers = [];
    for (const guess of guesses) answers.push(await post(at, scene, 'sign-in', guess));
    const told = answers.map(({ status, html }) => [
      status,
      withoutNonce(html).replace(/value="(?:nobody|ada)"/, ''),
    ]);
    expect(told[0]).toEqual(told[1]);
    expect(told[1]).toEqual(told[2]);
    expect(told[0]?.[0]).toBe(401);
    for (const { html } of answers) expect(html).not.toContain('a wrong passphrase');
  });

  test('says nothing of whether a code is missing: the field is there before anybody has typed a name', async () => {
    await open({ totp: ['sign_in'] });
    const scene = await atSignIn(at);
    expect(scene.page.html).toContain('name="code"');
    const [wrongCode, wrongName] = [
      await post(at, scene, 'sign-in', { ...signInFields(at), code: '000000' }),
      await post(at, scene, 'sign-in', { ...signInFields(at), name: 'nobody', code: at.owner.code() }),
    ];
    expect([wrongCode.status, wrongName.status]).toEqual([401, 401]);
  });

  test('lockout: five wrong ones here and the console is shut to that address, with the right passphrase too', async () => {
    await open();
    const scene = await atSignIn(at);
    for (let n = 0; n < 5; n++)
      expect((await post(at, scene, 'sign-in', { ...signInFields(at), passphrase: 'wrong' })).status).toBe(
        401,
      );
    const locked = await post(at, scene, 'sign-in', signInFields(at));
    expect([locked.status, locked.location]).toEqual([429, null]);
    const inConsole = await ownerOf().signIn({
      ...signInFields(at),
      from: { address: '127.0.0.1', userAgent: 'console' },
    });
    expect(inConsole.ok ? 'ok' : inConsole.error.reason).toBe('rate_limited');
  });

  test('lockout: wrong ones in the console are no fresh tries here', async () => {
    await open();
    for (let n = 0; n < 5; n++)
      await ownerOf().signIn({
        ...signInFields(at),
        passphrase: 'wrong',
        from: { address: '127.0.0.1', userAgent: 'console' },
      });
    const scene = await atSignIn(at);
    expect((await post(at, scene, 'sign-in', signInFields(at))).status).toBe(429);
  });

  test('opens no session of the console, and is on the record with whom it was for', async () => {
    await open();
    const scene = await atConsent(at);
    expect(ownerOf().sessions()).toEqual([]);
    const { credential } = deskOf(at).find(scene.clientId) ?? {};
    expect(recorded(at, 'owner.signed_in')[0]).toMatchObject({
      credential: 'owner',
      detail: { client: credential, how: 'passphrase' },
    });
    const other = await atSignIn(at);
    await post(at, other, 'sign-in', { name: 'canary-name', passphrase: 'canary-passphrase' });
    const [refusal] = recorded(at, 'owner.sign_in_refused');
    expect(refusal).toMatchObject({
      detail: { for: 'remote_sign_in', why: 'name', client: deskOf(at).find(other.clientId)?.credential },
    });
    expect(JSON.stringify(refusal) + at.logged().join('')).not.toContain('canary');
  });

  test('is not possible where nobody owns the gateway, and the page says who can change that', async () => {
    await open({ owner: false });
    const scene = await atSignIn(at);
    expect(scene.page.words).toContain('Nobody owns this gateway yet');
    expect(scene.page.forms.some(({ action }) => action.endsWith('/sign-in'))).toBe(false);
    const answer = await post(at, scene, 'sign-in', signInFields(at));
    expect([answer.status, answer.location]).toEqual([401, null]);
  });
});

const withoutNonce = (html: string): string => html.replaceAll(/nonce="[^"]*"/g, '');
