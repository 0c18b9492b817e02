// Nothing of ccxt is loaded before an account at an exchange is connected, and then one exchange alone.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isExchange, listExchanges } from '#brokers/ccxt/load.ts';

const server = fileURLToPath(new URL('../../../server', import.meta.url));
/** Runs it in a process of its own, and gives which files of ccxt that process read. */
function filesOfCcxt(program: string): readonly string[] {
  const traced = `
    import { registerHooks } from 'node:module';
    const seen = new Set();
    registerHooks({ load(url, context, next) { if (url.includes('/node_modules/ccxt/')) seen.add(url.split('/node_modules/ccxt/')[1]); return next(url, context); } });
    ${program}
    console.log(JSON.stringify([...seen]));`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', traced], {
    cwd: server,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(run.stderr).toBe('');
  return JSON.parse(run.stdout) as readonly string[];
}

describe('ccxt', () => {
  it('is not read by a start without such accounts: neither by the list of brokers nor by the names of exchanges', () => {
    const files = filesOfCcxt(`
      const { BROKERS } = await import('#brokers/index.ts');
      const ccxt = BROKERS.find(({ id }) => id === 'ccxt');
      if (!ccxt.fields[0].options.includes('kraken')) throw new Error('no names');
      ccxt.settings.parse({ exchange: 'kraken', kind: 'spot', currency: 'USD' });`);
    expect(files).toEqual([]);
  });

  it('is read for one exchange alone once that is opened', () => {
    const files = filesOfCcxt(`
      const { loadExchange } = await import('#brokers/ccxt/load.ts');
      loadExchange('kraken');`);
    expect(files).toContain('js/src/kraken.js');
    expect(files).not.toContain('js/src/binance.js');
    expect(files).not.toContain('js/ccxt.js');
  });

  it('knows its exchanges by name', () => {
    expect(listExchanges()).toEqual(expect.arrayContaining(['binance', 'bybit', 'kraken', 'okx']));
    expect(listExchanges().length).toBeGreaterThan(90);
    for (const strange of ['', '../base', 'nobody', 'Binance', 'prediction'])
      expect(isExchange(strange)).toBe(false);
  });
});
