/** The one place that loads ccxt: one exchange at a time, by the path of its file, the whole package where that path has moved. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CcxtClass } from './types.ts';

/** Its files are not part of its published interface, so they are used of the version they were tried with alone. */
export const CCXT_VERSION = '4.5.84';

const PACKAGE_NAME = /"name":\s*"ccxt"/;
const EXCHANGE_ID = /^[a-z][a-z0-9]{1,30}$/;
/** In the folder of exchanges, and none. */
const NOT_AN_EXCHANGE: ReadonlySet<string> = new Set(['prediction']);

interface Package {
  readonly root: string;
  readonly version: string;
}

/** Finds the package without loading any of it. */
function findPackage(): Package {
  let folder = dirname(createRequire(import.meta.url).resolve('ccxt'));
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (!existsSync(path)) continue;
    const text = readFileSync(path, 'utf8');
    if (PACKAGE_NAME.test(text))
      return { root: folder, version: /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? '' };
  }
  throw new Error('the package ccxt is not where it was installed');
}

const filesIn = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder).flatMap((name) => {
        const id = name.endsWith('.js') ? name.slice(0, -'.js'.length) : '';
        return EXCHANGE_ID.test(id) && !NOT_AN_EXCHANGE.has(id) ? id : [];
      })
    : [];

/** The ids of all exchanges there are, in order, read off the names of their files: nothing of ccxt is loaded. */
export const listExchanges = (): readonly string[] =>
  [...filesIn(join(findPackage().root, 'js', 'src'))].sort();

export const isExchange = (id: string): boolean => EXCHANGE_ID.test(id) && listExchanges().includes(id);

/**
 * The class of one exchange, with its streams where it has any. Takes a fifth of a second the first time and nothing after that. Throws
 * with one sentence when there is no such exchange.
 */
export function loadExchange(id: string): CcxtClass {
  if (!isExchange(id)) throw new Error(`ccxt knows no exchange ${id}`);
  const { root, version } = findPackage();
  // Under this name, so that it is seen that the package is used.
  const require = createRequire(import.meta.url);
  const source = join(root, 'js', 'src');
  const paths = [join(source, 'pro', `${id}.js`), join(source, `${id}.js`)];
  const path = version === CCXT_VERSION ? paths.find((one) => existsSync(one)) : undefined;
  const found = path === undefined ? undefined : (require(path) as { readonly default?: unknown }).default;
  if (typeof found === 'function') return found as CcxtClass;
  const whole = require('ccxt') as Readonly<Record<string, unknown>> & {
    readonly pro?: Readonly<Record<string, unknown>>;
  };
  const fallback = whole.pro?.[id] ?? whole[id];
  if (typeof fallback !== 'function') throw new Error(`ccxt knows no exchange ${id}`);
  return fallback as CcxtClass;
}
