/** Runs the suite's scenarios for authorization servers, with somebody who does what it asks a person to do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { environmentAt } from '../run-program.ts';
import { PROGRAM, type Report, reportIn } from './suite.ts';

const SUITE_TIMEOUT_MS = 60_000;

export interface AuthorizationRun {
  readonly issuer: string;
  readonly resource: string;
  /** A public one: where the server offers `none`, the suite sends no secret. */
  readonly clientId: string;
  /** Its callback is `http://127.0.0.1:PORT/callback`. */
  readonly port: number;
  readonly home: string;
  /** Where the browser leaves to from the address that it was sent to. */
  readonly visit: (address: URL) => Promise<URL>;
}

/** What each scenario found, by its name. */
export async function runAuthorizationSuite(run: AuthorizationRun): Promise<Report> {
  const { issuer, resource, clientId, port, home, visit } = run;
  const args = ['authorization', '--url', issuer, '--client-id', clientId, '--resource', resource];
  const more = ['-p', String(port), '-o', home];
  const child = spawn(process.execPath, [PROGRAM, ...args, ...more], {
    cwd: home,
    env: environmentAt(home),
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: SUITE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const closed = once(child, 'close');
  let said = '';
  let visited = false;
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said += String(chunk);
    const [, address] = /^(http\S+\/oauth\/authorize\?\S+)$/m.exec(said) ?? [];
    if (address === undefined || visited) continue;
    visited = true;
    await fetch(await visit(new URL(address)));
  }
  await closed;
  return reportIn(home);
}
