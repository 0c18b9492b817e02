// Puts back into package-lock.json what `npm install` takes out; run it after every change of dependencies.
//
// - `"gypfile": false` for better-sqlite3: it carries prebuilt binaries, but npm 10 would still run
//   `node-gyp rebuild` and fail where there is no compiler. (npm 11 reads `allowScripts` in package.json.)
// - No address of a registry: a lockfile is for every machine, and each asks the registry it is set up with.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How every npm registry names a tarball: `<package>/-/<file>.tgz`. */
const REGISTRY_TARBALL = /^https?:\/\/.*\/-\/[^/?#]+\.tgz/;
const PREBUILT = ['better-sqlite3'];

/**
 * @typedef {{ version?: string, resolved?: string, gypfile?: boolean, name?: string, link?: boolean }} Entry
 * @typedef {{ packages: Record<string, Entry> }} Lockfile
 */

/**
 * @param {string} text a package-lock.json (lockfileVersion 3)
 * @returns {{ text: string, changes: string[], foreign: string[] }} the restored text, what changed, and entries
 *   that come from no registry at all (a git address, a tarball): those need a person
 */
export function restoreLockfile(text) {
  /** @type {Lockfile} */
  const lockfile = JSON.parse(text);
  /** @type {string[]} */
  const changes = [];
  /** @type {string[]} */
  const foreign = [];

  for (const [path, entry] of Object.entries(lockfile.packages)) {
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (PREBUILT.includes(name) && entry.gypfile !== false) {
      lockfile.packages[path] = { ...entry, gypfile: false };
      changes.push(`${path}: gypfile false`);
    }
    const { resolved } = entry;
    if (path === '' || entry.link === true || resolved === undefined) continue;
    if (REGISTRY_TARBALL.test(resolved)) {
      delete (lockfile.packages[path] ?? entry).resolved;
      changes.push(`${path}: no address`);
    } else {
      foreign.push(`${path}: ${resolved}`);
    }
  }
  return {
    text: changes.length === 0 ? text : `${JSON.stringify(lockfile, null, 2)}\n`,
    changes,
    foreign,
  };
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const file = join(fileURLToPath(new URL('..', import.meta.url)), 'package-lock.json');
  const before = readFileSync(file, 'utf8');
  const restored = restoreLockfile(before);
  if (restored.changes.length > 0) writeFileSync(file, restored.text);
  for (const change of restored.changes) console.log(change);
  for (const entry of restored.foreign)
    console.error(`not from a registry, pin a released version: ${entry}`);
  if (restored.changes.length === 0) console.log('package-lock.json is as it should be');
  if (restored.foreign.length > 0) process.exitCode = 1;
}
