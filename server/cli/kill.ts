/** `portcullis kill`: the gate falls, whatever state the engine, the settings or the books are in. */
import { z } from 'zod';
import { type Config, loadConfigAnyway, ownSources } from '#config.ts';
import { text } from '#domain/decimal.ts';
import { accountId } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { ENGINE_POLL_MS, KILL_ANSWER_TIMEOUT_MS, KILL_LOCK_WAIT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { takeEngineLock } from '#store/engine-lock.ts';
import type { KillReport } from '#trading/views.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, type Invocation, JSON_OPTION, RefusedError, UsageError } from './command.ts';
import type { KillWish } from './kill-file.ts';
import { type KillReportWire, killAlone, killDirectly } from './kill-without-engine.ts';
import type { Office } from './office.ts';
import { iso, printObject } from './print.ts';
import { dialOwner, pause, send, withOffice } from './reach.ts';

const wireOf = (report: KillReport): KillReportWire => ({
  trading_state: report.tradingState,
  halted_at: iso(report.haltedAtMs),
  canceled: report.canceled,
  kept: report.kept,
  failed: report.failed.map(({ orderId, reason }) => ({ order_id: orderId, reason })),
  orders_left: report.ordersLeft,
  voided: report.voided,
  positions_left: report.positionsLeft.map(({ account, symbol, qty }) => ({
    account,
    symbol,
    qty: text(qty),
  })),
  elapsed_ms: report.elapsedMs,
});

const killAct = ownerAct({
  name: 'kill',
  urgent: true,
  input: z.strictObject({ cancel: z.enum(['adding', 'all', 'none']), flatten: z.boolean() }),
  async work(office: Office, wish) {
    const report = office.engine
      ? wireOf(await office.engine.trading.kill({ ...wish, by: 'cli' }))
      : killAlone(office, wish);
    return ok(report);
  },
});

/** Takes nothing but what a kill would take, of one paper account, and gives nothing: no proof is asked for. */
export const drillAct = ownerAct({
  name: 'kill.drill',
  input: z.strictObject({ account: z.string(), cancel: z.enum(['adding', 'all', 'none']) }),
  async work({ engine }: Office, { account, cancel }) {
    if (engine === undefined)
      return err(
        refuse(
          'broker_unavailable',
          'No gateway runs, and a drill cancels orders at one that does. Start it first.',
        ),
      );
    const report = await engine.trading.drill({ account: accountId(account), cancel, by: 'cli' });
    return report.ok ? ok({ drill: true, account, ...wireOf(report.value) }) : report;
  },
});

interface Killed {
  readonly report: KillReportWire;
  /** What the report can not say, for the person. */
  readonly notes: readonly string[];
}

export const kill = defineCommand({
  name: 'kill',
  summary: 'The kill switch: halt everything, cancel what could add risk, report.',
  verbs: {
    '': {
      summary:
        'Halts the gateway, shuts every agent out and cancels orders; also when the gateway hangs or does not run.',
      options: {
        cancel: {
          type: 'string',
          value: 'adding|all|none',
          about: 'orders to cancel: those that could add risk (the default), all, none',
        },
        flatten: { type: 'boolean', about: 'close every position too' },
        drill: {
          type: 'boolean',
          about:
            'try it out on one paper account: its orders are really canceled, nobody is shut out, the gate stays up',
        },
        account: { type: 'string', value: 'NAME', about: 'the account of a drill (the default: paper)' },
        ...JSON_OPTION,
      },
      act: killAct,
      async run(invocation) {
        const wish = wishOf(invocation);
        if (invocation.flag('drill')) return drill(invocation, wish);
        if (invocation.text('account') !== undefined)
          throw new UsageError('--account goes with --drill: a kill halts every account.');
        const { config, wrong } = loadConfigAnyway(ownSources());
        for (const sentence of wrong) invocation.terminal.warn(`Ignored for this: ${sentence}`);
        const { report, notes } = await killWherever(config, invocation.clock, wish);
        printObject(invocation, report);
        for (const note of notes) invocation.terminal.warn(note);
        return report.failed.length === 0 ? 0 : 1;
      },
    },
  },
});

async function drill(invocation: Invocation, { cancel, flatten }: KillWish): Promise<number> {
  if (flatten) throw new UsageError('--drill cancels orders and closes nothing: leave --flatten out.');
  const account = invocation.text('account') ?? DRILLED_ACCOUNT;
  const report = await ask(invocation, drillAct, { account, cancel });
  printObject(invocation, report);
  return report.failed.length === 0 && report.orders_left.length === 0 ? 0 : 1;
}

/** The first account there is. */
const DRILLED_ACCOUNT = 'paper';

function wishOf(invocation: Invocation): KillWish {
  const given = invocation.text('cancel') ?? 'adding';
  if (given !== 'adding' && given !== 'all' && given !== 'none')
    throw new UsageError(`--cancel takes adding, all or none, not ${JSON.stringify(given.slice(0, 40))}.`);
  return { cancel: given, flatten: invocation.flag('flatten') };
}

/** Through the engine; with the lock when none runs; past an engine that does not answer. */
async function killWherever(config: Config, clock: Clock, wish: KillWish): Promise<Killed> {
  const direct = (why: string): Killed => {
    const { report, notes } = killDirectly(config, clock, wish);
    return { report, notes: [why, ...notes] };
  };
  const deadlineMs = clock.monotonicMs() + KILL_LOCK_WAIT_MS;
  for (;;) {
    const dialed = await dialOwner(config, clock);
    if (dialed.kind === 'hung') return direct('The gateway runs but does not answer.');
    if (dialed.kind === 'engine') {
      const answer = await send(dialed.socket, clock, {
        act: killAct.name,
        input: wish,
        withinMs: KILL_ANSWER_TIMEOUT_MS,
      });
      return answer.ok
        ? reported(answer.value as KillReportWire, wish)
        : direct(`The gateway could not do it: ${answer.error.detail}`);
    }
    const holder = { pid: process.pid, command: 'command kill', startedAtMs: clock.wallMs() };
    const lock = takeEngineLock(config.DATA_DIR, holder);
    if (lock.ok) {
      try {
        const answer = await withOffice({ config, clock, act: killAct, input: wish });
        if (!answer.ok) throw new RefusedError(answer.error);
        return { report: answer.value as KillReportWire, notes: notesAlone(wish) };
      } catch (cause) {
        return direct(
          `The books could not be opened: ${cause instanceof Error ? cause.message : String(cause)}`,
        );
      } finally {
        lock.value.release();
      }
    }
    if (clock.monotonicMs() > deadlineMs) return direct(lock.error);
    await pause(clock, ENGINE_POLL_MS);
  }
}

/** Where something is still held, what the owner may expect of it. */
function reported(report: KillReportWire, { flatten }: KillWish): Killed {
  if (report.positions_left.length === 0) return { report, notes: [] };
  const sent = flatten && report.failed.length === 0;
  const note = sent
    ? 'The orders that close positions_left are sent; `portcullis kill` again shows what is open then.'
    : 'positions_left are still open; `portcullis kill --flatten` closes them.';
  return { report, notes: [note] };
}

const notesAlone = ({ cancel, flatten }: KillWish): readonly string[] => [
  `No gateway runs: the next one starts HALTED${cancel === 'none' ? '' : ' and cancels orders then'}${flatten ? ', and closes positions' : ''}.`,
];
