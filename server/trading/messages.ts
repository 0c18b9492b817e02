/** Messages to a broker within the last second: of everybody in the account, which bounds what adds, and of one holder alone. */
import type { AccountId, AgentId } from '#domain/principal.ts';
import type { Line } from './line.ts';

export interface SentMessage {
  /** Monotonic. */
  readonly atMs: number;
  readonly by: AgentId;
}

/** What the gateway itself takes back is nobody's message: a limit that was reached must keep nobody else out. */
export function countMessage(line: Line, account: AccountId, by: AgentId): void {
  const sent = lastSecond(line, account);
  line.memory.recentMessages.set(account, [...sent, { atMs: line.clock.monotonicMs(), by }]);
}

/** SEBI counts orders, changes and cancels alike. */
export function messagesInLastSecond(
  line: Line,
  account: AccountId,
  holder: AgentId,
): { readonly messagesLastSecond: number; readonly ownMessagesLastSecond: number } {
  const sent = lastSecond(line, account);
  line.memory.recentMessages.set(account, sent);
  return {
    messagesLastSecond: sent.length,
    ownMessagesLastSecond: sent.filter(({ by }) => by === holder).length,
  };
}

function lastSecond(line: Line, account: AccountId): readonly SentMessage[] {
  const sinceMs = line.clock.monotonicMs() - 1_000;
  return (line.memory.recentMessages.get(account) ?? []).filter(({ atMs }) => atMs > sinceMs);
}
