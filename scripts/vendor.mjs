// Copies what the console's pages load from packages into views/static/vendor/, and writes down what it was.
//
//   npm run vendor    after every change of these packages; a test compares folder, lock and packages

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../', import.meta.url));
export const VENDOR_FOLDER = join(PROJECT, 'views/static/vendor');
export const LOCK_NAME = 'lock.json';

/** Which files of which packages; each package's licence comes along. */
export const VENDORED = /** @type {const} */ ({
  'htmx.org': ['dist/htmx.min.js'],
  'lightweight-charts': ['dist/lightweight-charts.standalone.production.js'],
  uplot: ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css'],
});

/**
 * @typedef {{ package: string, version: string, licence: string, from: string, sha256: string }} Locked
 * @typedef {{ name: string, content: Buffer, locked: Locked }} Vendored
 */

/** @returns {Vendored[]} what the folder must hold, read from the packages that are installed */
export function vendoredFiles() {
  return Object.entries(VENDORED).flatMap(([name, files]) => {
    const folder = join(PROJECT, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return [...files, 'LICENSE'].map((from) => {
      const content = readFileSync(join(folder, from));
      const sha256 = createHash('sha256').update(content).digest('hex');
      return {
        name: from === 'LICENSE' ? `${name}.LICENSE` : from.slice(from.lastIndexOf('/') + 1),
        content,
        locked: { package: name, version, licence: license, from, sha256 },
      };
    });
  });
}

/** @param {Vendored[]} files */
export const lockOf = (files) =>
  `${JSON.stringify(Object.fromEntries(files.map(({ name, locked }) => [name, locked])), null, 2)}\n`;

function vendor() {
  const files = vendoredFiles();
  mkdirSync(VENDOR_FOLDER, { recursive: true });
  for (const name of readdirSync(VENDOR_FOLDER)) rmSync(join(VENDOR_FOLDER, name));
  for (const { name, content } of files) writeFileSync(join(VENDOR_FOLDER, name), content);
  writeFileSync(join(VENDOR_FOLDER, LOCK_NAME), lockOf(files));
  for (const { name, locked } of files) console.log(`${name}  ${locked.package} ${locked.version}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) vendor();
