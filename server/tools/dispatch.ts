/** The one way from a door to a tool: scope, credential, arguments, rate, run, record. No door can skip a step. */
import type { AuditEvent } from '#audit/event.ts';
import type { Door, Principal } from '#domain/principal.ts';
import { printable, type Refusal, type RefusalReason, refuse, refuseUnclear } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { AUDIT_ARGUMENTS_BYTES_MAX } from '#limits.ts';
import type { PreparedCall, Tool, ToolServices } from './define.ts';
import { TOOLS } from './index.ts';
import { isRecord } from './normalise.ts';

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
      readonly output: Readonly<Record<string, unknown>>;
    }
  | { readonly ok: false; readonly refusal: Refusal };

export interface Dispatcher {
  /** Never throws. null: no such tool, which each door says in its own protocol. */
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
      if (tool === undefined) return null;
      const startedMs = services.clock.monotonicMs();
      const outcome = await carryOut(services, tool, call);
      record(services, { tool, call, outcome, latencyMs: services.clock.monotonicMs() - startedMs });
      return outcome.answer;
    },
  };
}

interface Outcome {
  readonly answer: ToolAnswer;
  readonly dryRun: boolean;
  /** What was thrown, for the record only. */
  readonly fault?: unknown;
}

async function carryOut(services: ToolServices, tool: Tool, call: ToolCall): Promise<Outcome> {
  let dryRun = false;
  try {
    const prepared = prepare(services, tool, call);
    if (!prepared.ok) return { answer: { ok: false, refusal: prepared.error }, dryRun };
    dryRun = prepared.value.dryRun;
    const result = await prepared.value.run(services, call.principal);
    if (!result.ok) return { answer: { ok: false, refusal: result.error }, dryRun };
    const { repaired } = prepared.value;
    const normalized = Object.keys(repaired).length === 0 ? {} : { normalized: repaired };
    return { answer: { ok: true, output: { ...result.value, ...normalized } }, dryRun };
  } catch (fault) {
    return { answer: { ok: false, refusal: refusalOfFault(tool, fault, dryRun) }, dryRun, fault };
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
    const taken = services.access.rate.take(principal.agent, 'read');
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
  const bucket =
    tool.effect === 'read' || call.dryRun ? 'read' : tool.effect === 'reduce' ? 'reduce' : 'write';
  try {
    return services.access.rate.take(call.principal.agent, bucket);
  } catch (fault) {
    // Cancels and closes go first even when the store is broken: counting them must not stop them.
    if (bucket === 'reduce' && isStoreFault(fault)) return ok(undefined);
    throw fault;
  }
}

/** The wire is vague about a fault; the record is not. */
function refusalOfFault(tool: Tool, fault: unknown, dryRun: boolean): Refusal {
  const reason: RefusalReason = isStoreFault(fault) ? 'store_unavailable' : 'internal';
  const what =
    reason === 'store_unavailable'
      ? 'The gateway can not write its records at the moment.'
      : 'Something went wrong inside the gateway; the owner can see it in the record.';
  if (tool.effect === 'read' || dryRun) return refuse(reason, what);
  return refuseUnclear(
    reason,
    `${what} Whether ${tool.name} took effect is not certain: look with get_orders before anything else.`,
    'get_orders',
  );
}

const STORE_FAULT = /^SQLITE_(?:IOERR|FULL|READONLY|CANTOPEN|CORRUPT|NOTADB|BUSY|LOCKED|NOMEM|PROTOCOL)/;

/** SQLite's own codes of "can not read or write now"; a broken constraint is a bug and none of these. */
function isStoreFault(fault: unknown): boolean {
  const code: unknown = isRecord(fault) || fault instanceof Error ? Reflect.get(fault, 'code') : undefined;
  return typeof code === 'string' && STORE_FAULT.test(code);
}

// ---- the record ---------------------------------------------------------------------------------------------------

/** Refusals that come in floods: recorded once per agent, reason and second, with a count. */
const REPEATED: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'rate_limited',
  'invalid_input',
  'insufficient_scope',
  'credential_revoked',
  'unauthenticated',
]);

function record(
  services: ToolServices,
  done: {
    readonly tool: Tool;
    readonly call: ToolCall;
    readonly outcome: Outcome;
    readonly latencyMs: number;
  },
): void {
  const { tool, call, outcome } = done;
  const event = eventOf(tool, call, { outcome, latencyMs: Math.max(0, Math.round(done.latencyMs)) });
  const { answer } = outcome;
  try {
    if (!answer.ok && REPEATED.has(answer.refusal.reason)) services.audit.recordRepeated(event);
    else if (tool.effect === 'read' || outcome.dryRun) services.audit.recordGrouped(event);
    else services.transaction(() => services.audit.record(event));
  } catch {
    // The call has happened; what can not be written now is kept in memory and written when the store heals.
    services.audit.recordDeferred(event);
  }
}

function eventOf(
  tool: Tool,
  call: ToolCall,
  how: { readonly outcome: Outcome; readonly latencyMs: number },
): AuditEvent {
  const { answer, dryRun, fault } = how.outcome;
  const account = accountNamed(call.args);
  const order = answer.ok && isRecord(answer.output['order']) ? answer.output['order'] : undefined;
  const orderId = answer.ok ? order?.['order_id'] : answer.refusal.order_id;
  return {
    kind: 'tool.call',
    agent: call.principal.agentName,
    credential: call.principal.credential,
    door: call.via,
    tool: tool.name,
    scope: tool.scope,
    ...(account === undefined ? {} : { account }),
    outcome: outcomeOf(answer, order),
    latencyMs: how.latencyMs,
    args: argumentsForRecord(call.args),
    detail: {
      ...(dryRun ? { dry_run: true } : {}),
      ...(answer.ok ? {} : { reason: answer.refusal.reason }),
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

function accountNamed(args: unknown): string | undefined {
  const account = isRecord(args) ? args['account'] : undefined;
  return typeof account === 'string' ? printable(account).slice(0, 40) : undefined;
}

/** Bounded, and without the action token: it is a credential as long as it lives. */
function argumentsForRecord(args: unknown): unknown {
  const shown = isRecord(args)
    ? Object.fromEntries(Object.entries(args).filter(([field]) => field !== 'action_token'))
    : args;
  const bytes = Buffer.byteLength(JSON.stringify(shown) ?? '');
  return bytes > AUDIT_ARGUMENTS_BYTES_MAX ? { omitted_bytes: bytes } : shown;
}
