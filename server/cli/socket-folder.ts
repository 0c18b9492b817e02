/** Where the two sockets of a data folder are: inside it, or in a short folder that it names when its own path is too long. */
import { chmodSync, lstatSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { SOCKET_PATH_BYTES_MAX } from '#limits.ts';

export const AGENT_SOCKET = 'agent.sock';
export const OWNER_SOCKET = 'owner.sock';
const RECORD = 'sockets.path';
const PREFIX = 'portcullis-';

/** A socket's path has about a hundred bytes (sun_path: 104 on macOS, 108 on Linux). */
const fits = (folder: string): boolean =>
  Buffer.byteLength(join(folder, OWNER_SOCKET)) <= SOCKET_PATH_BYTES_MAX;

export interface SocketFolder {
  readonly path: string;
  /** Takes away what was made for the sockets. */
  remove(): void;
}

/** For the engine, which holds the lock: what an earlier one left behind is cleared. */
export function makeSocketFolder(dataFolder: string): SocketFolder {
  clearLeftovers(dataFolder);
  if (fits(dataFolder)) return { path: dataFolder, remove: () => unlinkSockets(dataFolder) };
  const path = mkdtempSync(join(tmpdir(), PREFIX));
  chmodSync(path, 0o700);
  writeFileSync(join(dataFolder, RECORD), `${path}\n`, { mode: 0o600 });
  return { path, remove: () => clearLeftovers(dataFolder) };
}

/** For whoever wants to connect. */
export function findSocketFolder(dataFolder: string): string {
  if (fits(dataFolder)) return dataFolder;
  return recorded(dataFolder) ?? dataFolder;
}

function recorded(dataFolder: string): string | undefined {
  try {
    return readFileSync(join(dataFolder, RECORD), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function clearLeftovers(dataFolder: string): void {
  unlinkSockets(dataFolder);
  const former = recorded(dataFolder);
  if (former !== undefined && isOurs(former)) rmSync(former, { recursive: true, force: true });
  rmSync(join(dataFolder, RECORD), { force: true });
}

/** The record could have been edited: nothing but a folder that we made is ever removed. */
function isOurs(folder: string): boolean {
  const state = lstatSync(folder, { throwIfNoEntry: false });
  const mine = state?.isDirectory() === true && state.uid === process.getuid?.();
  return mine && basename(folder).startsWith(PREFIX) && folder === join(tmpdir(), basename(folder));
}

function unlinkSockets(folder: string): void {
  for (const name of [AGENT_SOCKET, OWNER_SOCKET]) {
    const path = join(folder, name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
  }
}
