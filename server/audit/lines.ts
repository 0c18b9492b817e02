/** Reads the files of the record as bytes, line by line, in pieces: their list, their order, their lines. */
import { readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AUDIT_LINE_BYTES_MAX } from '#limits.ts';

/** The file that is written to; full ones become `audit-<first seq>-<last seq>.jsonl`. */
export const CURRENT_FILE = 'audit.jsonl';
const ROTATED_FILE = /^audit-(\d{1,15})-(\d{1,15})\.jsonl$/;
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;

export interface RotatedFile {
  readonly name: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

export const rotatedName = (firstSeq: number, lastSeq: number): string =>
  `audit-${firstSeq}-${lastSeq}.jsonl`;

/** Oldest first. */
export function rotatedFiles(folder: string): readonly RotatedFile[] {
  const found: RotatedFile[] = [];
  for (const name of readdirSync(folder)) {
    const match = ROTATED_FILE.exec(name);
    if (match) found.push({ name, firstSeq: Number(match[1]), lastSeq: Number(match[2]) });
  }
  return found.sort((a, b) => a.firstSeq - b.firstSeq || a.lastSeq - b.lastSeq);
}

/** Every file of the record that is there, in the order of its lines. */
export function auditFiles(folder: string): readonly string[] {
  const rotated = rotatedFiles(folder).map((file) => join(folder, file.name));
  return readdirSync(folder).includes(CURRENT_FILE) ? [...rotated, join(folder, CURRENT_FILE)] : rotated;
}

export interface FileLine {
  /** Without its newline. */
  readonly bytes: Buffer;
  /** Where the next line begins. */
  readonly end: number;
  /** False for what stands after the last newline, and for a line longer than any of ours (reading stops there). */
  readonly whole: boolean;
}

/** Lines from an offset on, up to another. The bytes of a line are good until the next one is asked for. */
export function* linesOf(
  file: number,
  from: number,
  until = Number.POSITIVE_INFINITY,
): Generator<FileLine, void, undefined> {
  let buffer = Buffer.alloc(CHUNK_BYTES);
  let filled = 0;
  let position = from;
  for (;;) {
    if (filled === buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(CHUNK_BYTES)]);
    const room = Math.min(buffer.length - filled, until - position - filled);
    const got = readSync(file, buffer, filled, room, position + filled);
    filled += got;
    let start = 0;
    for (let at = buffer.indexOf(NEWLINE); at !== -1 && at < filled; at = buffer.indexOf(NEWLINE, start)) {
      yield { bytes: buffer.subarray(start, at), end: position + at + 1, whole: true };
      start = at + 1;
    }
    const rest = filled - start;
    if (got === 0 || rest > AUDIT_LINE_BYTES_MAX) {
      if (rest > 0) yield { bytes: buffer.subarray(start, filled), end: position + filled, whole: false };
      return;
    }
    buffer.copyWithin(0, start, filled);
    position += start;
    filled = rest;
  }
}
