/** The guide to remote MCP is followed on running gateways: its settings, its look from outside, its script, its commands, its words. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { banner } from '#cli/banner.ts';
import { refusedCombinations } from '#cli/setting-combinations.ts';
import { wallClock } from '#clock.ts';
import { declarationOf, loadConfig, SETTING_NAMES } from '#config.ts';
import { PROBLEMS } from '#http/oauth-words.ts';
import {
  ACCESS_TOKEN_TTL_MAX_SECONDS,
  CLIENT_UNCONNECTED_MS,
  CLIENTS_APPROVED_LATEST_KEPT,
  CLIENTS_APPROVED_MAX,
} from '#limits.ts';
import { CONSENT_DAYS } from '#oauth/consent.ts';
import { STAGE_LABELS } from '#oauth/diagnosis-words.ts';
import { environmentIn, openTestGateway } from './support/gateway.ts';
import { deskOf } from './support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from './support/remote-gateway.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const PROJECT = join(import.meta.dirname, '..');
const GUIDE = readFileSync(join(PROJECT, 'docs/remote-mcp.md'), 'utf8');
const PUBLIC = 'https://gate.example.com';
const run = promisify(execFile);
const PATH = [dirname(process.execPath), process.env['PATH']].join(':');

/** In order; a block in a list is indented. */
const blocksOf = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^\\1\`\`\``, 'gm'))].map(
    ([, indent = '', text = '']) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
const sectionOf = (heading: string): string => {
  const [, after = ''] = GUIDE.split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
};
/** The cells of a table's rows, without its head. */
const rowsOf = (section: string): string[][] =>
  section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const code = (cell: string): string => /^`([^`]+)`/.exec(cell)?.[1] ?? '';

/** As `.env` would have it. */
function envFile(text: string): string {
  const file = join(temporaryFolder(), '.env');
  writeFileSync(file, text);
  return file;
}
const SWITCHED_ON = blocksOf('dotenv')[0] ?? '';

describe('switching it on', () => {
  it('takes the settings as they stand, and the start says so in these words', async () => {
    const config = loadConfig({ environment: {}, envFile: envFile(SWITCHED_ON) });
    expect(refusedCombinations(config)).toEqual([]);
    const settings = Object.fromEntries(
      SWITCHED_ON.trim()
        .split('\n')
        .map((line) => line.split('=')),
    ) as Record<string, string>;
    const gate = await openTestGateway({ settings });
    onTestFinished(() => gate.close());
    const [said = 'nothing'] = blocksOf('text');
    expect(banner(gate.gateway, { onTerminal: false })).toContain(`\n${said}`);
  });

  it.each([
    ['MCP_HTTP_ENABLED=true'],
    [`MCP_HTTP_ENABLED=true\nMCP_PUBLIC_URL=${PUBLIC}/mcp`],
    ['MCP_OAUTH_WRITE_SCOPE_ENABLED=true\nMCP_OAUTH_REQUIRE_APPROVAL=false'],
    ['PORTCULLIS_PUBLIC_CONSOLE=true'],
  ])('what is wrong stops the start as it says: %s', (text) => {
    let why = '';
    try {
      const config = loadConfig({ environment: {}, envFile: envFile(text) });
      why = refusedCombinations(config)
        .map(({ sentence }) => sentence)
        .join('\n');
    } catch (cause) {
      why = (cause as Error).message;
    }
    const told = rowsOf(sectionOf('Switch it on')).map(([says = '']) => code(says));
    expect(told.filter((says) => says !== '' && why.includes(says))).toHaveLength(1);
  });
});

describe('the settings', () => {
  const told = new Map(rowsOf(sectionOf('Settings')).map(([name = '', ...rest]) => [code(name), rest]));

  it('has every one of remote MCP, with its standard and when it acts', () => {
    const names = SETTING_NAMES.filter((name) => /^(?:MCP_|PORTCULLIS_PUBLIC_|TRUSTED_PROXIES)/.test(name));
    expect([...told.keys()].filter((name) => name !== '').toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      const { standard, storing } = declarationOf(name);
      const [given = '', , acts] = told.get(name) ?? [];
      expect(code(given), name).toBe(standard);
      if (name === 'MCP_LOOPBACK_URL') continue;
      expect(acts, name).toBe(storing.kind === 'at_once' ? 'at once' : 'next start');
    }
  });

  it('takes the block of another gateway unchanged, as it says', () => {
    const block = `MCP_HTTP_ENABLED=True
      MCP_PUBLIC_URL=${PUBLIC}
      MCP_OAUTH_REQUIRE_APPROVAL=True
      MCP_OAUTH_WRITE_SCOPE_ENABLED=False
      MCP_HTTP_CORS_ORIGINS=https://claude.ai,https://chatgpt.com
      MCP_HTTP_IP_ALLOWLIST=
      MCP_OAUTH_ACCESS_TTL=900
      MCP_OAUTH_REFRESH_TTL=2592000
      MCP_OAUTH_CODE_TTL=60
      MCP_RATE_LIMIT_READ="60 per minute"
      MCP_RATE_LIMIT_WRITE="50 per minute"
      MCP_LOOPBACK_URL=http://127.0.0.1:5000
      MCP_OAUTH_KEYS_DIR=keys`.replaceAll(/^ +/gm, '');
    const config = loadConfig({ environment: {}, envFile: envFile(block) });
    expect(config).toMatchObject({ MCP_HTTP_ENABLED: true, MCP_OAUTH_WRITE_SCOPE_ENABLED: false });
    expect(refusedCombinations(config)).toEqual([]);
  });
});

const hasCurl = spawnSync('curl', ['--version']).status === 0;
describe('a look from outside', () => {
  it.runIf(hasCurl)('finds what it says, as a proxy passes it on', async () => {
    const settings = { MCP_HTTP_ENABLED: 'true', MCP_PUBLIC_URL: PUBLIC, TRUSTED_PROXIES: '127.0.0.1' };
    const gate = await openTestGateway({ clock: wallClock, settings });
    onTestFinished(() => gate.close());
    const [lines = ''] = blocksOf('sh').filter((block) => block.includes(`${PUBLIC}/healthz`));
    const proxied = `-H 'Host: gate.example.com' -H 'X-Forwarded-For: 198.51.100.9' -H 'X-Forwarded-Proto: https'`;
    const script = `curl() { command curl -sS ${proxied} "$@"; echo; }\n${lines.replaceAll(PUBLIC, gate.url)}`;
    const { stdout } = await run('bash', ['-ec', script], { env: { PATH }, timeout: 15_000 });
    const [health, resource, server, call, admin] = stdout.split('\n').filter((line) => line !== '');
    expect(health).toBe('{"status":"ok"}');
    expect(JSON.parse(resource ?? '')).toMatchObject({ resource: `${PUBLIC}/mcp` });
    expect(JSON.parse(server ?? '')).toMatchObject({ issuer: PUBLIC });
    expect([call, admin]).toEqual(['401', '404']);
  });
});

describe('the script and the commands', () => {
  /** A line of the guide, on the data of this gateway, with the owner's proof where one is asked for. */
  async function typed(at: RemoteGateway, line: string): Promise<string> {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    const [npx, program, ...args] = words;
    expect([npx, program]).toEqual(['npx', 'portcullis']);
    const file = join(at.test.folder, 'passphrase');
    writeFileSync(file, at.owner.passphrase, { mode: 0o600 });
    const proof = /clients (?:approve|create|rotate-keys)/.test(line) ? ['--password-file', file] : [];
    const env = { ...environmentIn(at.test.folder), PATH };
    const { stdout } = await run(process.execPath, [join(PROJECT, 'server/main.ts'), ...args, ...proof], {
      env,
      timeout: 30_000,
    });
    return stdout;
  }
  const lineWith = (words: string): string => {
    const found = [...GUIDE.matchAll(/npx portcullis [^\n`|]+/g)].map(([line]) => line.trim());
    const line = found.find((one) => one.includes(words));
    if (line === undefined) throw new Error(`the guide has no ${words}`);
    return line;
  };

  it('connect, watch and end one client as a reader would', async () => {
    const at = await openRemoteGateway();
    onTestFinished(() => at.close());
    const file = join(temporaryFolder(), 'script.mjs');
    writeFileSync(file, blocksOf('js')[0] ?? '');
    const child = spawn(process.execPath, [file], { env: { PATH, GATEWAY: at.issuer } });
    onTestFinished(() => void child.kill());
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => void said.push(text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => void said.push(text));
    const ended = once(child, 'close');
    await expect.poll(() => said.join(''), { timeout: 15_000 }).toMatch(/^Open \S+\n/);
    const address = /^Open (\S+)/.exec(said.join(''))?.[1] ?? '';

    const browser = at.browser();
    const waiting = await browser.open(address);
    expect(waiting.status).toBe(403);
    const listed = await typed(at, lineWith('clients list'));
    expect(listed).toMatch(/pending +night watch/);
    const shown = /[0-9a-f]{4}-[0-9a-f]{4}/.exec(waiting.words)?.[0] ?? '';
    expect(listed).toContain(shown);
    const approved = await typed(at, lineWith('clients approve').replace(/[0-9a-f]{4}-[0-9a-f]{4}/, shown));
    expect(approved).toContain('it acts as claude');

    const approvedPage = await browser.send(waiting, browser.form(waiting, '/continue'));
    const left = await browser.grant(approvedPage);
    expect(await (await fetch(left)).text()).toBe('Go back to the terminal.');
    await ended;
    expect(child.exitCode, said.join('')).toBe(0);
    expect(said.join('')).toMatch(
      /May read:market read:account, for 900 s\n[^]*symbol: 'SPX'[^]*\nACTIVE\n$/,
    );

    const [came, oauth, calls, rotated] = await Promise.all(
      ['clients connections', "--kind 'oauth.*'", '--kind tool.call', 'clients rotate-keys'].map((words) =>
        typed(at, lineWith(words)),
      ),
    );
    expect(came).toMatch(/"night watch".*: works\n.*First call done/);
    expect(oauth).toMatch(/oauth\.registered[^]*oauth\.client_approved[^]*oauth\.granted/);
    expect(calls).toMatch(/claude {2}tool\.call/);
    expect(rotated).toMatch(/signs from now on/);
    expect(await typed(at, lineWith('clients disconnect-all'))).toContain('1 grant ended');
    const [client] = deskOf(at).list();
    const id = client?.credential ?? '';
    expect(await typed(at, lineWith('clients revoke').replace('ID', id))).toContain('is revoked');
    expect(await typed(at, lineWith('clients remove').replace('ID', id))).toContain('is removed');
    // The host still has its id: told in words, and noted as the address that it came from.
    const stranger = await at.browser().open(address);
    expect(stranger.words).toContain(PROBLEMS.unknown_client.title);
    const steps = at.gateway.connections.of('address:loopback')?.steps ?? [];
    expect(steps.find(({ step }) => step === 'authorize')?.lastOutcome).toBe('invalid_client');
    const made = await typed(at, lineWith('clients create'));
    expect(made).toMatch(/^Client id: client_\w+\nSecret, shown this once: \S+\n$/);
    expect(deskOf(at).list()).toMatchObject([{ state: 'approved', kind: 'static' }]);
  }, 60_000);
});

describe('the words', () => {
  const views = ['oauth', 'console']
    .flatMap((folder) =>
      readdirSync(join(PROJECT, 'views', folder)).map((name) => join(PROJECT, 'views', folder, name)),
    )
    .filter((path) => path.endsWith('.html'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');

  it.each([
    "Waiting for the owner's approval",
    'What may this app do?',
    'Allow what is ticked',
    'Allow nothing',
    'Back to the app',
    'Waiting for you',
    'Called, and came no further',
    'Make a client by hand',
    'Disconnect everybody',
  ])('“%s” stands in the guide and on a page', (words) => {
    expect(GUIDE).toContain(words);
    expect(views).toContain(words);
  });

  it('names the problems of the pages as their titles do', () => {
    const [, symptoms = ''] = sectionOf('When it does not work').split('By symptom');
    const named = [...symptoms.matchAll(/"([A-Z][^"]+)"/g)].map(([, words]) => words);
    const titles = Object.values(PROBLEMS).map(({ title }) => title);
    const shown = (words = ''): boolean => titles.includes(words) || views.includes(`<h1>${words}</h1>`);
    expect(named.filter((words) => !shown(words))).toEqual([]);
    expect(named.length).toBeGreaterThan(4);
  });

  it('has every place at which a connection can stand', () => {
    const table = sectionOf('When it does not work').split('By symptom')[0] ?? '';
    for (const label of Object.values(STAGE_LABELS)) expect(table, label).toContain(label);
  });

  it('says how long a token is good, and how long it may be made to be', () => {
    const most = ACCESS_TOKEN_TTL_MAX_SECONDS / 60;
    const standard = Number(declarationOf('MCP_OAUTH_ACCESS_TTL').standard) / 60;
    const kept = sectionOf('How it is kept');
    expect(kept).toContain(`tokens for ${standard} minutes (\`MCP_OAUTH_ACCESS_TTL\`, ${most} at most)`);
    expect(kept).toContain('A stolen token opens, until it expires or you end its connection,');
  });

  it('says how many clients may be approved, and which of them makes room', () => {
    const days = CLIENT_UNCONNECTED_MS / 86_400_000;
    expect(sectionOf('How it is kept')).toMatch(
      new RegExp(
        `At most ${CLIENTS_APPROVED_MAX} are approved.* ${days} days .* ${CLIENTS_APPROVED_LATEST_KEPT} `,
      ),
    );
  });

  it('has the times that a consent can last', () => {
    expect(GUIDE).toContain(`(${CONSENT_DAYS.slice(0, -1).join(', ')} or ${CONSENT_DAYS.at(-1)} days`);
  });
});
