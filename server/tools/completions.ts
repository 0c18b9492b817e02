/** What a host may offer while an argument is typed: symbols, the caller's accounts and orders, reasons of refusals. */
import type { Door, Principal } from '#domain/principal.ts';
import { REFUSAL_REASONS, type Refusal } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { COMPLETION_TEXT_LENGTH_MAX, COMPLETIONS_MAX, SEARCH_RESULTS_MAX } from '#limits.ts';
import type { Tool } from './define.ts';
import type { Dispatcher } from './dispatch.ts';
import { getMandate } from './get-mandate.ts';
import { getOrders } from './get-orders.ts';
import { isRecord } from './normalise.ts';
import { searchInstruments } from './search-instruments.ts';

export type Source = 'symbol' | 'account' | 'order_id' | 'reason';

export interface Completion {
  readonly values: readonly string[];
  readonly hasMore: boolean;
}

export interface Completions {
  /** What is offered comes from a tool, called as the caller: its scope, rate and record hold here too. */
  complete(
    source: Source,
    typed: string,
    by: { readonly principal: Principal; readonly via: Door },
  ): Promise<Result<Completion, Refusal>>;
}

interface ToolSource {
  readonly tool: Tool;
  readonly args: (typed: string) => Readonly<Record<string, unknown>>;
  readonly values: (output: Readonly<Record<string, unknown>>) => readonly unknown[];
  /** The tool has chosen by what was typed: a name that is not the start of the symbol counts. */
  readonly searches?: true;
}

const fieldOf = (entries: unknown, name: string): readonly unknown[] =>
  Array.isArray(entries) ? entries.map((entry) => (isRecord(entry) ? entry[name] : undefined)) : [];

const SOURCES: { readonly [source in Exclude<Source, 'reason'>]: ToolSource } = {
  symbol: {
    tool: searchInstruments,
    args: (query) => ({ query, limit: SEARCH_RESULTS_MAX }),
    values: ({ instruments }) => fieldOf(instruments, 'symbol'),
    searches: true,
  },
  account: {
    tool: getMandate,
    args: () => ({}),
    values: ({ accounts }): readonly unknown[] => (Array.isArray(accounts) ? accounts : []),
  },
  order_id: {
    tool: getOrders,
    args: () => ({ limit: COMPLETIONS_MAX }),
    values: ({ orders }) => fieldOf(orders, 'order_id'),
  },
};

export function openCompletions(dispatcher: Dispatcher): Completions {
  return {
    async complete(source, given, { principal, via }) {
      const typed = given.slice(0, COMPLETION_TEXT_LENGTH_MAX);
      if (source === 'reason') return ok(completion(startingWith(REFUSAL_REASONS, typed)));
      const { tool, args, values, searches } = SOURCES[source];
      const answer = await dispatcher.call({ tool: tool.name, args: args(typed), principal, via });
      if (answer === null) throw new Error(`completions of ${source} name no tool`);
      if (!answer.ok) return err(answer.refusal);
      const found = values(answer.output).filter((value) => typeof value === 'string');
      return ok(completion(searches ? found : startingWith(found, typed)));
    },
  };
}

const startingWith = (values: readonly string[], typed: string): readonly string[] =>
  values.filter((value) => value.toLowerCase().startsWith(typed.toLowerCase()));

const completion = (values: readonly string[]): Completion => ({
  values: values.slice(0, COMPLETIONS_MAX),
  hasMore: values.length > COMPLETIONS_MAX,
});
