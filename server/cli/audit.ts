/** `portcullis audit`: proves the record, shows its end, and signs where it stands. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeCheckpoint } from '#audit/checkpoint.ts';
import { type AuditFilter, auditQuery } from '#audit/query.ts';
import { type AuditSnapshot, auditSnapshot, auditSnapshotShape } from '#audit/snapshot.ts';
import { type VerifyReport, verifyAudit } from '#audit/verify.ts';
import { verifyBeside } from '#audit/verify-beside.ts';
import type { Config } from '#config.ts';
import { ok } from '#domain/result.ts';
import { PAGE_MAX } from '#limits.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { CommandError, defineCommand, type Invocation, JSON_OPTION, UsageError } from './command.ts';
import { printObject } from './print.ts';
import { atTheBooks, valueOf } from './reach.ts';

const TAIL_DEFAULT = 20;

/** The engine's part of a verification: it brings the files up to date, says where all stands, and goes on with its orders. */
const snapshot = ownerAct({
  name: 'audit.snapshot',
  input: z.strictObject({}),
  work({ audit, store, config }) {
    audit.flush();
    return ok(auditSnapshot(store, config.LOG_DIR));
  },
});

const tail = ownerAct({
  name: 'audit.tail',
  input: z.strictObject({ count: z.int(), kind: z.string().optional(), agent: z.string().optional() }),
  work({ audit, store, keyring }, { count, kind, agent }) {
    audit.flush();
    const filter: AuditFilter = {
      ...(kind === undefined ? {} : { kind }),
      ...(agent === undefined ? {} : { agent }),
    };
    return ok({ lines: auditQuery(store, keyring).tailLines(count, filter) });
  },
});

const checkpoint = ownerAct({
  name: 'audit.checkpoint',
  input: z.strictObject({}),
  work({ audit, keyring, access }) {
    audit.flush();
    return ok({ checkpoint: writeCheckpoint(audit.head(), access.wall(), keyring) });
  },
});

/** Without an engine the log is not opened: a record that was tampered with must be reported, not refused. */
function verifyAlone(config: Config, checkpoints: readonly string[]): VerifyReport {
  const keyring = openKeyring(config.MCP_OAUTH_KEYS_DIR);
  const store = openStore(config.DATA_DIR);
  try {
    return verifyAudit({ store, keyring, folder: config.LOG_DIR, checkpoints });
  } finally {
    store.close();
  }
}

function checkpointsIn(file: string | undefined): readonly string[] {
  if (file === undefined) return [];
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
  } catch (cause) {
    throw new CommandError(`The checkpoints ${file} can not be read: ${(cause as Error).message}.`);
  }
}

function countOf(invocation: Invocation): number {
  const given = invocation.text('lines') ?? String(TAIL_DEFAULT);
  if (!/^[1-9]\d{0,3}$/.test(given) || Number(given) > PAGE_MAX)
    throw new UsageError(
      `--lines takes a number from 1 to ${PAGE_MAX}, not ${JSON.stringify(given.slice(0, 40))}.`,
    );
  return Number(given);
}

/** `12:00:01  claude  place_order  refused (max_order_value)`. */
function told(line: string): string {
  const event = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const detail = (event['detail'] ?? {}) as Readonly<Record<string, unknown>>;
  const of = event['account'] ?? detail['source'] ?? detail['directory'];
  const what = [event['kind'], of, event['tool'], detail['to'], detail['order_id']];
  const reason = typeof detail['reason'] === 'string' ? ` (${detail['reason']})` : '';
  return [
    event['seq'],
    event['time'],
    event['agent'] ?? '-',
    ...what.filter(Boolean),
    `${String(event['outcome'])}${reason}`,
  ]
    .map(String)
    .join('  ');
}

export const audit = defineCommand({
  name: 'audit',
  summary: 'The record of everything.',
  verbs: {
    verify: {
      summary:
        'Checks every line of the record against its key, the database and checkpoints; exit 1 when one is wrong.',
      options: {
        checkpoints: { type: 'string', value: 'F', about: 'file of checkpoints that was kept elsewhere' },
        ...JSON_OPTION,
      },
      act: snapshot,
      async run(invocation) {
        const checkpoints = checkpointsIn(invocation.text('checkpoints'));
        const report = await atTheBooks<VerifyReport>(invocation, snapshot.name, {
          // Here: what takes seconds for every million lines must not stand before an order or a kill of the engine's.
          through: async (send) => {
            const { DATA_DIR: data, LOG_DIR: log, MCP_OAUTH_KEYS_DIR: keys } = invocation.config();
            const then = auditSnapshotShape.parse(valueOf<AuditSnapshot>(await send({ input: {} })));
            return verifyBeside({ data, log, keys, checkpoints, snapshot: then });
          },
          alone: async (config) => verifyAlone(config, checkpoints),
        });
        printObject(invocation, report);
        return report.ok ? 0 : 1;
      },
    },
    tail: {
      summary: 'Shows the latest lines of the record.',
      options: {
        lines: { type: 'string', value: 'N', about: `how many (${TAIL_DEFAULT})` },
        kind: {
          type: 'string',
          value: 'KIND',
          about: 'of this kind only: kill, or order.* or kill* for all that begin so',
        },
        agent: { type: 'string', value: 'NAME', about: 'of this agent only' },
        json: { type: 'boolean', about: 'print the lines as they stand in the file' },
      },
      act: tail,
      async run(invocation) {
        const kind = invocation.text('kind');
        const agent = invocation.text('agent');
        const { lines } = await ask(invocation, tail, {
          count: countOf(invocation),
          ...(kind === undefined ? {} : { kind }),
          ...(agent === undefined ? {} : { agent }),
        });
        for (const line of lines) invocation.terminal.say(invocation.flag('json') ? line : told(line));
        return 0;
      },
    },
    checkpoint: {
      summary: 'Prints a signed line that says where the record stands; keep it elsewhere.',
      options: JSON_OPTION,
      act: checkpoint,
      async run(invocation) {
        const { checkpoint: line } = await ask(invocation, checkpoint, {});
        invocation.terminal.say(line);
        return 0;
      },
    },
  },
});
