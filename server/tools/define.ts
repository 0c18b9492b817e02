/** What a tool is: one definition, from which every door takes its own shape. */
import type { z } from 'zod';
import type { Access } from '#access/access.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Principal, Scope } from '#domain/principal.ts';
import type { Refusal, RefusalReason } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import type { InstrumentBook } from '#market/instrument-book.ts';
import type { Markets } from '#market/markets.ts';
import type { Clock } from '#ports.ts';
import type { Desk } from '#trading/desk.ts';
import { type InputSchema, inputSchemaOf, type JsonSchema, outputSchemaOf } from './json-schema.ts';
import type { MarketWatch } from './market-watch.ts';
import { parseArguments } from './parse.ts';

/** What tools may reach; the owner's acts are not among it. */
export interface ToolServices {
  readonly desk: Omit<Desk, 'kill' | 'resume'>;
  readonly book: InstrumentBook;
  readonly markets: Pick<Markets, 'among' | 'all' | 'scopesOf'>;
  readonly access: Pick<Access, 'stillLive' | 'rate'> & {
    readonly agents: Pick<Access['agents'], 'accountsOf'>;
  };
  readonly audit: Pick<AuditLog, 'record' | 'recordGrouped' | 'recordRepeated' | 'recordDeferred'>;
  /** The store's: `audit.record` runs inside it. */
  readonly transaction: <T>(work: () => T) => T;
  /** Which quotes have changed. */
  readonly watch: MarketWatch;
  readonly clock: Clock;
  readonly version: string;
  readonly remoteMcp: () => boolean;
}

/** `read` looks, `reduce` can only lower risk and acts on the first call, `trade` can add risk and previews first. */
export type Effect = 'read' | 'reduce' | 'trade';

export interface RestRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`; parameters as `{order_id}`. */
  readonly path: string;
}

/** A call as it comes about; documents, OpenAPI and `/docs` show it, the list of tools does not. */
export interface ToolExample {
  /** What a person says to a model. */
  readonly prompt: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Arguments that have been parsed, bound to the tool that will run them. */
export interface PreparedCall {
  /** True when nothing but a preview was asked for. */
  readonly dryRun: boolean;
  /** Field to the value that was used instead of the given one. */
  readonly repaired: Readonly<Record<string, unknown>>;
  run(services: ToolServices, principal: Principal): Promise<Result<object, Refusal>>;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly scope: Scope;
  readonly effect: Effect;
  /** Whether it speaks to a broker or a feed outside this process. */
  readonly openWorld: boolean;
  readonly rest: RestRoute;
  readonly example: ToolExample;
  /** What it may refuse with, beside what every tool may. */
  readonly refusals: readonly RefusalReason[];
  readonly inputSchema: InputSchema;
  /** Of a success. */
  readonly successSchema: JsonSchema;
  readonly output: z.ZodType;
  prepare(args: unknown): Result<PreparedCall, Refusal>;
}

interface ToolDefinition<I extends z.ZodType, O extends z.ZodType> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly scope: Scope;
  readonly effect: Effect;
  readonly openWorld?: boolean;
  readonly rest: RestRoute;
  readonly example: { readonly prompt: string; readonly arguments: z.input<I> & object };
  readonly refusals?: readonly RefusalReason[];
  readonly input: I;
  readonly output: O;
  run(
    services: ToolServices,
    principal: Principal,
    input: z.output<I>,
  ): Promise<Result<z.output<O> & object, Refusal>> | Result<z.output<O> & object, Refusal>;
}

export function defineTool<I extends z.ZodType, O extends z.ZodType>(definition: ToolDefinition<I, O>): Tool {
  const { name, input, output } = definition;
  const schema = inputSchemaOf(input);
  return {
    name,
    title: definition.title,
    description: definition.description,
    scope: definition.scope,
    effect: definition.effect,
    openWorld: definition.openWorld ?? definition.effect !== 'read',
    rest: definition.rest,
    example: {
      prompt: definition.example.prompt,
      arguments: Object.fromEntries(Object.entries(definition.example.arguments)),
    },
    refusals: definition.refusals ?? [],
    inputSchema: schema,
    successSchema: outputSchemaOf(output),
    output,
    prepare(args) {
      const parsed = parseArguments({ name, input, schema }, args);
      if (!parsed.ok) return parsed;
      const { input: typed, repaired } = parsed.value;
      return ok({
        dryRun: asksForPreview(typed),
        repaired,
        run: async (services, principal) => definition.run(services, principal, typed),
      });
    },
  };
}

function asksForPreview(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'dry_run' in input && input.dry_run === true;
}
