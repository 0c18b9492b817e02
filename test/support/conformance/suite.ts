/** Runs the protocol's own test suite against a server, in a process of its own, and reads what it wrote down. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runProgram } from '../run-program.ts';

export const PROGRAM = fileURLToPath(
  new URL('../../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
);
const REQUIREMENTS = join(dirname(PROGRAM), '..', 'requirements');
const SUITE_TIMEOUT_MS = 90_000;

export type Revision = '2025-11-25' | '2026-07-28';

const checks = z.array(
  z.object({
    id: z.string(),
    status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']),
    errorMessage: z.string().optional(),
  }),
);
export type Check = z.infer<typeof checks>[number];
export type Report = ReadonlyMap<string, readonly Check[]>;

/** The server scenarios that a revision requires, as the suite froze them. */
export function requiredScenarios(revision: Revision): readonly string[] {
  const set = readFileSync(join(REQUIREMENTS, `${revision}.yaml`), 'utf8');
  const [, server = ''] = /^server:\n((?: {2}- .*\n)+)/m.exec(set) ?? [];
  return [...server.matchAll(/^ {2}- (\S+)$/gm)].map(([, scenario = '']) => scenario);
}

/** What each scenario found, by its name. */
export async function runSuite(url: string, revision: Revision): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-conformance-'));
  try {
    const asked = ['server', '--url', url, '--requirements', revision, '-o', folder];
    await runProgram(PROGRAM, asked, { home: folder, timeoutMs: SUITE_TIMEOUT_MS });
    return reportIn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the suite left in a folder, by scenario. */
export const reportIn = (folder: string): Report =>
  new Map(
    readdirSync(folder)
      .filter((name) => existsSync(join(folder, name, 'checks.json')))
      .map((name) => [
        // SIDE-SCENARIO-TIMESTAMP
        name.replace(/^(?:authorization-)?server-/, '').replace(/-\d{4}-\d{2}-\d{2}T[\w-]+$/, ''),
        checks.parse(JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8'))),
      ]),
  );

/** Everything but a success or a remark, a line each; a scenario that left no check among it. */
export function shortcomings(report: Report, scenarios: readonly string[]): readonly string[] {
  return scenarios.flatMap((scenario) => {
    const found = report.get(scenario) ?? [];
    if (!found.some(({ status }) => status === 'SUCCESS')) return [`${scenario}: nothing succeeded`];
    return found
      .filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')
      .map(({ id, status, errorMessage = '' }) => `${scenario}: ${status} ${id} ${errorMessage}`);
  });
}
