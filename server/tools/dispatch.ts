/** The one way from a door to a tool: scope, credential, arguments, rate, run, record. No door can skip a step. */
import type { CallKind, RateBucket } from '#access/rate.ts';
import type { AuditEvent } from '#audit/event.ts';
import type { Door, Principal } from '#domain/principal.ts';
import { printable, type Refusal, refuse, refuseUnclear } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { PreparedCall, Tool, ToolServices } from './define.ts';
import { TOOLS } from './index.ts';
import { isRecord } from './normalise.ts';
import { withSuggestions } from './suggest.ts';

export interface ToolCall {
  readonly tool: string;
  /** As the door received them: nothing has been checked. */
  readonly args: unknown;
  readonly principal: Principal;
  readonly via: Door;
}

export type ToolAnswer =
  | {
      readonly ok: true;
      /** The wire object; `normalized` is part of it when an argument was repaired. */
      readonly output: Record<string, unknown>;
    }
  | { readonly ok: false; readonly refusal: Refusal };

export interface Dispatcher {
  /** Never throws. null: no such tool, which each door says in its own protocol; the attempt is on the record. */
  call(call: ToolCall): Promise<ToolAnswer | null>;
  /** What the caller may see and use now. */
  listFor(principal: Principal): readonly Tool[];
  tool(name: string): Tool | undefined;
}

export function openDispatcher(services: ToolServices, tools: readonly Tool[] = TOOLS): Dispatcher {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return {
    tool: (name) => byName.get(name),
    listFor: (principal) => tools.filter((tool) => principal.scopes.has(tool.scope)),
    async call(call) {
      const tool = byName.get(call.tool);
      if (tool === undefined) return refuseUnknown(services, call);
      const startedMs = services.clock.monotonicMs();
      const outcome = await carryOut(services, tool, call);
      const latencyMs = services.clock.monotonicMs() - startedMs;
      return record(services, { tool, call, outcome, latencyMs });
    },
  };
}

interface Outcome {
  readonly answer: ToolAnswer;
  readonly dryRun: boolean;
  /** Refused before the tool ran. */
  readonly denied: boolean;
  /** What was thrown, for the record only. */
  readonly fault?: unknown;
}

async function carryOut(services: ToolServices, tool: Tool, call: ToolCall): Promise<Outcome> {
  let dryRun = false;
  let denied = true;
  let acting = false;
  const refused = (refusal: Refusal): ToolAnswer => ({
    ok: false,
    refusal: withSuggestions(services, { ...call, tool: tool.name }, refusal),
  });
  try {
    const prepared = prepare(services, tool, call);
    if (!prepared.ok) return { answer: refused(prepared.error), dryRun, denied };
    denied = false;
    dryRun = prepared.value.dryRun;
    acting = tool.effect !== 'read' && !dryRun;
    const result = await prepared.value.run(services, call.principal);
    if (!result.ok) return { answer: refused(result.error), dryRun, denied };
    const { repaired } = prepared.value;
    const normalized = Object.keys(repaired).length === 0 ? {} : { normalized: repaired };
    return { answer: { ok: true, output: { ...result.value, ...normalized } }, dryRun, denied };
  } catch (fault) {
    const refusal = acting ? unclear(tool, fault) : refuse(reasonOfFault(fault), WORDS[reasonOfFault(fault)]);
    return { answer: { ok: false, refusal }, dryRun, denied, fault };
  }
}

/** Everything that is decided before the tool runs, in this order. */
function prepare(services: ToolServices, tool: Tool, call: ToolCall): Result<PreparedCall, Refusal> {
  const { principal } = call;
  if (!principal.scopes.has(tool.scope)) {
    return err(
      refuse(
        'insufficient_scope',
        `${tool.name} needs the scope ${tool.scope}, which this credential does not hold; ask the owner.`,
      ),
    );
  }
  const live = services.access.stillLive(principal);
  if (!live.ok) return live;
  const prepared = tool.prepare(call.args);
  if (!prepared.ok) {
    // A malformed call counts as a read, so that guessing at arguments is not free.
    const taken = services.access.rate.take(principal.agent, bucketOf(principal, 'read'));
    return taken.ok ? prepared : taken;
  }
  const taken = takeRate(services, tool, { principal, dryRun: prepared.value.dryRun });
  return taken.ok ? prepared : taken;
}

function takeRate(
  services: ToolServices,
  tool: Tool,
  call: { readonly principal: Principal; readonly dryRun: boolean },
): Result<unknown, Refusal> {
  const kind = tool.effect === 'read' || call.dryRun ? 'read' : tool.effect === 'reduce' ? 'reduce' : 'write';
  try {
    return services.access.rate.take(call.principal.agent, bucketOf(call.principal, kind));
  } catch (fault) {
    // Cancels and closes go first even when the store is broken: counting them must not stop them.
    if (kind === 'reduce' && isStoreFault(fault)) return ok(undefined);
    throw fault;
  }
}

const bucketOf = (who: Principal, kind: CallKind): RateBucket =>
  who.grant === undefined ? kind : `remote_${kind}`;

/** The wire is vague about a fault; the record is not. */
const WORDS = {
  store_unavailable: 'The gateway can not write its records at the moment.',
  internal: 'Something went wrong inside the gateway; the owner can see it in the record.',
} as const;

const reasonOfFault = (fault: unknown): keyof typeof WORDS =>
  isStoreFault(fault) ? 'store_unavailable' : 'internal';

/** The tool had begun to act, so it may have acted. */
function unclear(tool: Tool, fault: unknown): Refusal {
  const reason = reasonOfFault(fault);
  const advice = `Whether ${tool.name} took effect is not certain: look with get_orders before anything else.`;
  return refuseUnclear(reason, `${WORDS[reason]} ${advice}`, 'get_orders');
}

const STORE_FAULT =
  /^SQLITE_(?:FULL|IOERR|READONLY|CANTOPEN|BUSY|LOCKED|CORRUPT|NOTADB|NOMEM|PERM|PROTOCOL|NOLFS)(?:_|$)/;

/** SQLite's own codes of "can not read or write now"; a broken constraint is a bug and none of these. */
export function isStoreFault(fault: unknown): boolean {
  const code: unknown = isRecord(fault) || fault instanceof Error ? Reflect.get(fault, 'code') : undefined;
  return typeof code === 'string' && STORE_FAULT.test(code);
}

// ---- the record ---------------------------------------------------------------------------------------------------

interface Done {
  readonly tool: Tool;
  readonly call: ToolCall;
  readonly outcome: Outcome;
  readonly latencyMs: number;
}

/** Puts the call on the record and gives its answer: a look that can not be recorded is not answered. */
function record(services: ToolServices, done: Done): ToolAnswer {
  const { tool, outcome } = done;
  const { answer } = outcome;
  const event = eventOf(done);
  const looked = tool.effect === 'read' || outcome.dryRun;
  try {
    // Denials come in floods: one event an agent, reason and second, with a count.
    if (outcome.denied) services.audit.recordRepeated(event);
    else if (looked) services.audit.recordGrouped(event);
    else services.transaction(() => services.audit.record(event));
    return answer;
  } catch {
    // What was done is told all the same; its event is kept in memory and written when the store heals.
    services.audit.recordDeferred(event);
    return looked && answer.ok
      ? { ok: false, refusal: refuse('store_unavailable', WORDS.store_unavailable) }
      : answer;
  }
}

/** The name is the caller's text, and bounded. */
function refuseUnknown(services: ToolServices, call: ToolCall): null {
  const event: AuditEvent = {
    kind: 'tool.call',
    agent: call.principal.agentName,
    credential: call.principal.credential,
    door: call.via,
    tool: printable(call.tool).slice(0, 80),
    outcome: 'refused',
    args: call.args,
    detail: { reason: 'not_found' },
  };
  try {
    services.audit.recordRepeated(event);
  } catch {
    services.audit.recordDeferred(event);
  }
  return null;
}

function eventOf({ tool, call, outcome, latencyMs }: Done): AuditEvent {
  const { answer, dryRun, fault } = outcome;
  const order = answer.ok && isRecord(answer.output['order']) ? answer.output['order'] : undefined;
  const account = order?.['account'] ?? (isRecord(call.args) ? call.args['account'] : undefined);
  const orderId = answer.ok ? order?.['order_id'] : answer.refusal.order_id;
  return {
    kind: 'tool.call',
    agent: call.principal.agentName,
    credential: call.principal.credential,
    door: call.via,
    tool: tool.name,
    scope: tool.scope,
    ...(typeof account === 'string' ? { account: printable(account).slice(0, 40) } : {}),
    outcome: outcomeOf(answer, tool.effect === 'read' ? undefined : order),
    latencyMs,
    args: call.args,
    detail: {
      ...(dryRun ? { dry_run: true } : {}),
      ...(answer.ok ? {} : { reason: answer.refusal.reason }),
      ...(answer.ok || !answer.refusal.limits
        ? {}
        : { limits: answer.refusal.limits.map((one) => ({ ...one })) }),
      ...(typeof orderId === 'string' ? { order_id: orderId } : {}),
      ...(fault === undefined ? {} : { error: faultText(fault) }),
    },
  };
}

function outcomeOf(
  answer: ToolAnswer,
  order: Readonly<Record<string, unknown>> | undefined,
): AuditEvent['outcome'] {
  if (!answer.ok) return answer.refusal.reason === 'internal' ? 'error' : 'refused';
  const status = order?.['status'];
  return status === 'rejected' || status === 'unknown' || status === 'refused' ? status : 'ok';
}

const faultText = (fault: unknown): string =>
  printable(fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault)).slice(0, 300);
