// The settings: what acts, what is refused with its name, and that .env.example says the same as the declaration.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_FOLDER } from '#cli/project-folder.ts';
import { refusedCombinations } from '#cli/setting-combinations.ts';
import { type Config, ConfigError, envExample, loadConfig, loadConfigAnyway } from '#config.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pcl-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const load = (environment: Record<string, string> = {}, env?: string) => {
  if (env === undefined) return loadConfig({ environment });
  const envFile = join(folder, '.env');
  writeFileSync(envFile, env);
  return loadConfig({ environment, envFile });
};
const complaint = (environment: Record<string, string>, env?: string): string => {
  try {
    load(environment, env);
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.message;
    throw cause;
  }
  throw new Error('nothing was refused');
};
/** Without where they come from. */
const valuesOf = ({ given: _given, ...values }: Config) => values;
/** The MCP block of an OpenAlgo .env, spelled as it is there. */
const OPENALGO = `
MCP_HTTP_ENABLED = 'False'
MCP_PUBLIC_URL = ''
MCP_LOOPBACK_URL = 'http://127.0.0.1:5000'
MCP_OAUTH_REQUIRE_APPROVAL = 'True'   # the owner approves
MCP_OAUTH_WRITE_SCOPE_ENABLED = 'False'
MCP_HTTP_CORS_ORIGINS = 'https://claude.ai,https://chatgpt.com'
MCP_HTTP_IP_ALLOWLIST = ''
MCP_OAUTH_ACCESS_TTL = '900'
MCP_RATE_LIMIT_READ = "60 per minute"
MCP_RATE_LIMIT_WRITE = "50 per minute"
`;

describe('without any setting', () => {
  it('listens on loopback and resolves its folders against the clone, wherever it was started', () => {
    expect(load()).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 7800,
      DATA_DIR: join(PROJECT_FOLDER, 'data'),
      LOG_DIR: join(PROJECT_FOLDER, 'log'),
      MCP_OAUTH_KEYS_DIR: join(PROJECT_FOLDER, 'keys'),
      MCP_HTTP_ENABLED: false,
      MCP_PUBLIC_URL: undefined,
      MCP_OAUTH_REQUIRE_APPROVAL: true,
      MCP_HTTP_CORS_ORIGINS: ['https://claude.ai', 'https://chatgpt.com'],
      PORTCULLIS_RATE_LIMIT_READ: { count: 600, per: 'minute' },
      PAPER_TAPE: 'sample',
      PAPER_BAR_SECONDS: 10,
    });
    expect(refusedCombinations(load())).toEqual([]);
  });

  it('is what .env.example says, line by line', () => {
    const example = readFileSync(join(PROJECT_FOLDER, '.env.example'), 'utf8');
    expect(example, 'run `npm run env:example`').toBe(envExample());
    expect(valuesOf(load({}, example))).toEqual(valuesOf(load()));
  });
});

describe('.env', () => {
  it('takes the MCP block of an OpenAlgo .env unchanged', () => {
    const { MCP_LOOPBACK_URL: _, ...taken } = valuesOf(load({}, OPENALGO));
    const { MCP_LOOPBACK_URL: __, ...standard } = valuesOf(load());
    expect(taken).toEqual(standard);
  });

  it('gives way to the real environment', () => {
    expect(load({ PORT: '1' }, 'PORT=2').PORT).toBe(1);
    expect(load({}, 'PORT=2').PORT).toBe(2);
    expect(load({}, 'export PORT=3').PORT).toBe(3);
  });

  it.each([
    ['PORTT=1', /^PORTT \(\.env, line 1\) is not a setting; did you mean PORT\?$/],
    ['# x\n\nPAPER_TAPPE=sample', /^PAPER_TAPPE \(\.env, line 3\).*did you mean PAPER_TAPE\?$/],
    ['WHATEVER=1', /^WHATEVER .* is not a setting; \.env\.example lists them\.$/],
    ['PORT=1\nPORT=2', /^PORT \(\.env, line 2\) is set twice/],
    ['PORT', /^\.env, line 1 is not of the form NAME=value: "PORT"\.$/],
    ['port=1', /^port \(\.env, line 1\) is not a setting; did you mean PORT\?$/],
  ])('refuses %j', (env, said) => {
    expect(complaint({}, env)).toMatch(said);
  });
});

describe('the real environment', () => {
  it.each([
    [{ PORTCULLIS_TIMEZON: 'UTC' }, /^PORTCULLIS_TIMEZON .* did you mean PORTCULLIS_TIMEZONE\?$/],
    [{ PORTCULLIS_ANYTHING: '1' }, /^PORTCULLIS_ANYTHING .* is not a setting/],
    [{ DATA_DIRS: 'x' }, /^DATA_DIRS .* did you mean DATA_DIR\?$/],
    [{ MCP_HTTP_ENABLE: 'true' }, /did you mean MCP_HTTP_ENABLED\?$/],
  ])('refuses %j, which can be meant for nobody else', (environment, said) => {
    expect(complaint(environment)).toMatch(said);
  });

  it('leaves alone what belongs to others', () => {
    const others = { MCP_SERVER_NAME: 'x', POST: '1', LOG_DIRS: 'x', MCP_TIMEOUT: '1', npm_config_port: '1' };
    expect(load(others)).toEqual(load());
  });
});

describe('a bad value stops the start with its name', () => {
  it.each([
    ['PORT', '70000', 'a whole number from 0 to 65535'],
    ['PORT', '', 'a whole number'],
    ['PORT', '080', 'a whole number'],
    ['HOST', 'a b', 'an address or a host name'],
    ['LOG_LEVEL', 'loud', 'fatal, error, warn'],
    ['DATA_DIR', '', 'a path'],
    ['TRUSTED_PROXIES', '10.0.0.0/99', 'addresses or ranges'],
    ['PORTCULLIS_TIMEZONE', 'Mars/Olympus', 'an IANA time zone'],
    ['PORTCULLIS_ALLOWED_HOSTS', 'http://x', 'host names'],
    ['PORTCULLIS_PUBLIC_REST', 'yes', 'true or false'],
    ['PORTCULLIS_RATE_LIMIT_WRITE', '0 per minute', 'a rate such as'],
    ['MCP_HTTP_ENABLED', '1', 'true or false'],
    ['MCP_PUBLIC_URL', 'http://gate.example.com', 'an https origin'],
    ['MCP_PUBLIC_URL', 'https://gate.example.com/mcp', 'an https origin'],
    ['MCP_HTTP_CORS_ORIGINS', 'https://claude.ai/x', 'origins'],
    ['MCP_HTTP_IP_ALLOWLIST', 'everyone', 'addresses or ranges'],
    ['MCP_PUBLIC_URL', 'https://me@gate.example.com', 'an https origin'],
    ['MCP_OAUTH_REQUIRE_APPROVAL', 'on', 'true or false'],
    ['MCP_OAUTH_WRITE_SCOPE_ENABLED', 'TRUE', 'true or false'],
    ['MCP_OAUTH_ACCESS_TTL', '3601', 'from 1 to 3600'],
    ['MCP_OAUTH_ACCESS_TTL', '0', 'from 1 to 3600'],
    ['MCP_OAUTH_REFRESH_TTL', 'a month', 'a whole number from 1'],
    ['MCP_OAUTH_CODE_TTL', '301', 'from 1 to 300'],
    ['MCP_RATE_LIMIT_READ', '60/minute', 'a rate such as'],
    ['MCP_RATE_LIMIT_WRITE', '-1 per minute', 'a rate such as'],
    ['MCP_OAUTH_KEYS_DIR', '', 'a path'],
    ['PAPER_BAR_SECONDS', '0', 'a number of seconds'],
    ['PAPER_PRESET', 'easy', 'friendly, realistic or hostile'],
    ['PAPER_SEED', '1.5', 'a whole number'],
    ['PAPER_CASH', '1e5', 'an amount'],
    ['PAPER_ACCOUNT_TYPE', 'gift', 'cash or margin'],
  ])('%s=%s', (name, value, rule) => {
    const said = complaint({ [name]: value });
    expect(said).toMatch(
      new RegExp(`^${name} must be .*${rule}.*, not ${JSON.stringify(value).replaceAll(/[/.]/g, '.')}\\.$`),
    );
    expect(said.split('\n')).toHaveLength(1);
  });

  it('tells of every one at once', () => {
    expect(complaint({ PORT: 'x', PAPER_SEED: 'y' }).split('\n')).toHaveLength(2);
  });

  it('never repeats a key', () => {
    writeFileSync(join(folder, 'key'), 'pcl_canary\n');
    expect(load({ PORTCULLIS_KEY_FILE: join(folder, 'key') }).PORTCULLIS_KEY).toBe('pcl_canary');
    expect(complaint({ PORTCULLIS_KEY: 'pcl_canary', PORTCULLIS_KEY_FILE: 'x', PORT: 'x' })).not.toContain(
      'canary',
    );
  });
});

describe('what it takes', () => {
  it.each([
    ['MCP_OAUTH_WRITE_SCOPE_ENABLED', 'True', true],
    ['MCP_OAUTH_WRITE_SCOPE_ENABLED', 'true', true],
    ['MCP_OAUTH_REQUIRE_APPROVAL', 'False', false],
    ['MCP_HTTP_ENABLED', 'True', true],
    ['MCP_HTTP_ENABLED', 'true', true],
    ['MCP_LOOPBACK_URL', 'http://127.0.0.1:5000', 'http://127.0.0.1:5000'],
    ['PORTCULLIS_ALLOWED_HOSTS', 'gate.local, gate:7800', ['gate.local', 'gate:7800']],
    ['MCP_HTTP_CORS_ORIGINS', '', []],
    ['MCP_PUBLIC_URL', 'http://127.0.0.1:7800', new URL('http://127.0.0.1:7800')],
    ['PAPER_BAR_SECONDS', '0.25', 0.25],
    ['DATA_DIR', '/var/lib/portcullis', '/var/lib/portcullis'],
    ['DATA_DIR', 'elsewhere', join(PROJECT_FOLDER, 'elsewhere')],
    ['PAPER_TAPE', 'tapes/spy.csv', join(PROJECT_FOLDER, 'tapes/spy.csv')],
    ['PORTCULLIS_RATE_LIMIT_READ', '5 per second', { count: 5, per: 'second' }],
  ] as const)('%s=%s', (name, value, parsed) => {
    expect(load({ [name]: value })[name]).toEqual(parsed);
  });

  it('reads any setting from a file named by X_FILE', () => {
    writeFileSync(join(folder, 'port'), '81\n');
    expect(load({ PORT_FILE: join(folder, 'port') }).PORT).toBe(81);
    expect(complaint({ PORT_FILE: join(folder, 'gone') })).toMatch(/^PORT_FILE can not be read: /);
    expect(complaint({ PORT_FILE: join(folder, 'port'), PORT: '1' })).toMatch(
      /^PORT and PORT_FILE are both set/,
    );
  });
});

describe('settings together', () => {
  it.each([
    [{ HOST: '0.0.0.0' }, /^HOST=0\.0\.0\.0 is not loopback: set PORTCULLIS_ALLOWED_HOSTS/],
    [
      { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true', MCP_OAUTH_REQUIRE_APPROVAL: 'false' },
      /^MCP_OAUTH_WRITE_SCOPE_ENABLED=true needs MCP_OAUTH_REQUIRE_APPROVAL=true/,
    ],
    [{ MCP_HTTP_ENABLED: 'true' }, /^MCP_PUBLIC_URL is required/],
    [{ PORTCULLIS_PUBLIC_CONSOLE: 'true' }, /^PORTCULLIS_PUBLIC_CONSOLE=true has nothing to act on/],
    [
      { PORTCULLIS_PUBLIC_REST: 'true', MCP_PUBLIC_URL: 'https://gate.example.com' },
      /^PORTCULLIS_PUBLIC_REST=true has nothing to act on/,
    ],
  ])('%j refuses to start', (environment, said) => {
    expect(refusedCombinations(load(environment))[0]?.sentence).toMatch(said);
  });

  it.each([
    [{ HOST: '0.0.0.0', PORTCULLIS_ALLOWED_HOSTS: 'gate.lan' }],
    [{ HOST: '::1' }],
    [{ HOST: 'localhost' }],
    [{ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' }],
    [{ MCP_PUBLIC_URL: 'https://gate.example.com' }],
    [{ MCP_HTTP_ENABLED: 'True', MCP_PUBLIC_URL: 'https://gate.example.com' }],
    [
      {
        HOST: '0.0.0.0',
        MCP_HTTP_ENABLED: 'true',
        MCP_PUBLIC_URL: 'https://gate.example.com',
        PORTCULLIS_PUBLIC_CONSOLE: 'True',
        PORTCULLIS_PUBLIC_REST: 'true',
      },
    ],
  ])('%j may start', (environment) => {
    expect(refusedCombinations(load(environment))).toEqual([]);
  });
});

describe('for the kill switch', () => {
  it('goes on with what is understood, and tells of the rest', () => {
    const { config, wrong } = loadConfigAnyway({
      environment: { PORT: 'x', PORTCULLIS_X: '1', DATA_DIR: '/d' },
    });
    expect(config).toMatchObject({ PORT: 7800, DATA_DIR: '/d' });
    expect(wrong).toHaveLength(2);
  });

  it('does not guess where the data is', () => {
    expect(() => loadConfigAnyway({ environment: { DATA_DIR: '' } })).toThrow(/^DATA_DIR must be a path/);
  });
});
