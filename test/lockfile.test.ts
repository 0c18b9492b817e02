// What `npm ci` will install is exactly what was tried: exact pins, one registry, no compiler.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { restoreLockfile } from '../scripts/restore-lockfile.mjs';

const Pins = z.record(z.string(), z.string());
const Manifest = z.object({
  dependencies: Pins,
  devDependencies: Pins,
  allowScripts: z.record(z.string(), z.boolean()),
});
const Entry = z.looseObject({
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  gypfile: z.boolean().optional(),
  dependencies: Pins.optional(),
  devDependencies: Pins.optional(),
});
const Lockfile = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), Entry) });

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const manifest = Manifest.parse(JSON.parse(read('package.json')));
const lockfileText = read('package-lock.json');
const lockfile = Lockfile.parse(JSON.parse(lockfileText));
const installed = Object.entries(lockfile.packages).filter(([path]) => path !== '');

describe('package.json', () => {
  it('pins every dependency to one exact version', () => {
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it('lets the Node package place its binary and builds nothing else', () => {
    expect(manifest.allowScripts['node']).toBe(true);
    expect(manifest.allowScripts['better-sqlite3']).toBe(false);
  });
});

describe('package-lock.json', () => {
  it('belongs to package.json as it stands', () => {
    const root = lockfile.packages[''];
    expect(root?.dependencies).toEqual(manifest.dependencies);
    expect(root?.devDependencies).toEqual(manifest.devDependencies);
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(lockfile.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  it('never makes npm 10 compile better-sqlite3 (after `npm install` run `npm run lockfile`)', () => {
    expect(lockfile.packages['node_modules/better-sqlite3']?.gypfile).toBe(false);
  });

  it('names no address to fetch from, and checks what it fetches', () => {
    const addressed = installed.filter(([, entry]) => entry.resolved !== undefined);
    expect(addressed).toEqual([]);
    const unchecked = installed.filter(
      ([, entry]) => entry.integrity === undefined && entry['inBundle'] !== true,
    );
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });

  it('is left alone by the restoring script when nothing is missing', () => {
    expect(restoreLockfile(lockfileText)).toEqual({ text: lockfileText, changes: [], foreign: [] });
  });
});

describe('scripts/restore-lockfile.mjs', () => {
  const lockfileOf = (packages: Record<string, unknown>) =>
    `${JSON.stringify({ lockfileVersion: 3, packages }, null, 2)}\n`;

  it('puts gypfile back and touches nothing else', () => {
    const broken = lockfileOf({
      '': { name: 'portcullis' },
      'node_modules/better-sqlite3': { version: '13.2.0', integrity: 'sha512-x' },
      'node_modules/zod': { version: '4.6.7' },
    });
    const { text, changes } = restoreLockfile(broken);
    expect(changes).toEqual(['node_modules/better-sqlite3: gypfile false']);
    expect(JSON.parse(text)).toEqual({
      lockfileVersion: 3,
      packages: {
        '': { name: 'portcullis' },
        'node_modules/better-sqlite3': { version: '13.2.0', integrity: 'sha512-x', gypfile: false },
        'node_modules/zod': { version: '4.6.7' },
      },
    });
  });

  it('takes a registry’s address out, of scoped and nested packages too', () => {
    const { text, changes } = restoreLockfile(
      lockfileOf({
        'node_modules/better-sqlite3': {
          gypfile: false,
          resolved: 'http://mirror.test:8080/npm/better-sqlite3/-/better-sqlite3-13.2.0.tgz',
        },
        'node_modules/a/node_modules/@scope/b': { resolved: 'https://mirror.test/@scope/b/-/b-1.0.0.tgz' },
      }),
    );
    const packages = Lockfile.parse(JSON.parse(text)).packages;
    expect(changes).toHaveLength(2);
    expect(packages['node_modules/better-sqlite3']).toEqual({ gypfile: false });
    expect(packages['node_modules/a/node_modules/@scope/b']).toEqual({});
  });

  it('does not invent an address for what comes from no registry', () => {
    const text = lockfileOf({ 'node_modules/c': { resolved: 'git+ssh://git@example.test/c.git#abc' } });
    expect(restoreLockfile(text)).toEqual({
      text,
      changes: [],
      foreign: ['node_modules/c: git+ssh://git@example.test/c.git#abc'],
    });
  });
});
