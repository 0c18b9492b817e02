/** Action tokens: what a preview hands out and a commit spends; they live in memory and die with the process. */
import { createHash, randomBytes } from 'node:crypto';
import type { AgentId } from '#domain/principal.ts';
import { ACTION_TOKEN_TTL_MS, ACTION_TOKENS_PER_AGENT_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';

export interface TokenBinding {
  readonly agent: AgentId;
  readonly tool: string;
  /** SHA-256 of the canonical arguments. */
  readonly digest: string;
}

export interface ActionTokens {
  /** Gives the token (`act_` and 32 random bytes) and the wall time it ends at; its deadline is monotonic. */
  issue(binding: TokenBinding, wallMs: number): { readonly token: string; readonly expiresAtMs: number };
  /** Why a token may not be spent, or undefined. Spends nothing. */
  check(token: string, binding: TokenBinding): string | undefined;
  /** Call once the transaction that used it has committed. */
  spend(token: string): void;
  clear(): void;
}

interface Issued extends TokenBinding {
  readonly deadlineMs: number;
}

export function actionTokens(clock: Clock): ActionTokens {
  /** By SHA-256, so that a look-up says nothing about a stored token; insertion order is age. */
  const issued = new Map<string, Issued>();
  const hash = (token: string): string => createHash('sha256').update(token).digest('base64');

  function makeRoom(agent: AgentId): void {
    const now = clock.monotonicMs();
    let held = 0;
    for (const [key, token] of issued) {
      if (token.deadlineMs <= now) issued.delete(key);
      else if (token.agent === agent) held++;
    }
    if (held < ACTION_TOKENS_PER_AGENT_MAX) return;
    for (const [key, token] of issued) {
      if (token.agent !== agent) continue;
      issued.delete(key);
      return;
    }
  }

  return {
    issue(binding, wallMs) {
      makeRoom(binding.agent);
      const token = `act_${randomBytes(32).toString('base64url')}`;
      issued.set(hash(token), { ...binding, deadlineMs: clock.monotonicMs() + ACTION_TOKEN_TTL_MS });
      return { token, expiresAtMs: wallMs + ACTION_TOKEN_TTL_MS };
    },
    check(token, binding) {
      const found = issued.get(hash(token));
      if (found === undefined || found.agent !== binding.agent) {
        return 'it was never issued, has been spent, or ended with a restart';
      }
      if (found.deadlineMs <= clock.monotonicMs()) return 'it has expired';
      if (found.tool !== binding.tool) return `it was issued for ${found.tool}`;
      if (found.digest !== binding.digest) return 'the arguments differ from the previewed ones';
      return undefined;
    },
    spend: (token) => void issued.delete(hash(token)),
    clear: () => issued.clear(),
  };
}
