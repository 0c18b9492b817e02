/** One bounded POST: a connection of its own, no redirect, nothing read but the head of the answer, and an end from outside. */
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { connectionFailure } from '#domain/connection-failure.ts';
import { NOTIFY_PUT_OFF_MAX_MS } from '#limits.ts';
import type { Sent } from './channel.ts';

export interface Post {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
  readonly signal: AbortSignal;
}

export type Answer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfterMs: number | undefined;
    }
  | { readonly kind: 'failed'; readonly why: string };

/** Never rejects. Nothing of the address is in `why`: it holds secrets. */
export function post({ url, headers = {}, body, signal }: Post): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = (cause?: NodeJS.ErrnoException): void =>
      resolve({ kind: 'failed', why: whyFailed(cause?.code, signal) });
    if (signal.aborted) return failed();
    const bytes = Buffer.from(body);
    const request = (url.protocol === 'https:' ? requestTls : requestPlain)(url, {
      method: 'POST',
      // A pool would keep sockets of destinations open for nothing.
      agent: false,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': bytes.length,
        'user-agent': 'Portcullis',
        ...headers,
      },
    });
    const answered = ({ statusCode = 0, headers: of }: IncomingMessage): void =>
      resolve({ kind: 'answered', status: statusCode, retryAfterMs: retryAfter(of['retry-after']) });
    request.once('error', failed);
    request.once('response', (response) => {
      answered(response);
      // Nobody reads what comes with it, however much that is.
      request.destroy();
    });
    // 101, which nobody asked for: the socket is no longer the request's, and nothing else of it would ever be heard.
    request.once('upgrade', (response, socket) => {
      answered(response);
      socket.destroy();
    });
    // However it ended without any of them.
    request.once('close', () => failed());
    request.end(bytes);
  });
}

/** Whole seconds alone: a date would trust two clocks. */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header) * 1_000, NOTIFY_PUT_OFF_MAX_MS);
}

/** By the code of an error alone: messages of errors name addresses. */
export function whyFailed(code: unknown, signal: AbortSignal): string {
  if (signal.aborted) return String(signal.reason);
  return connectionFailure(code);
}

/** What an answer means for a message. Some refuse for good what they do not take; to a webhook anything may happen (its standard). */
export function sentBy(answer: Answer, refusals: 'final' | 'passing'): Sent {
  if (answer.kind === 'failed') return { kind: 'later', why: answer.why };
  const { status, retryAfterMs } = answer;
  if (status >= 200 && status < 300) return { kind: 'sent' };
  if (status >= 300 && status < 400) {
    const why = `The server answered with a redirect (${status}), which is not followed: enter the address that it leads to.`;
    return { kind: 'never', why };
  }
  const why = `The server answered ${status}.`;
  const passes = status >= 500 || status === 408 || status === 425 || status === 429;
  if (!passes && (refusals === 'final' || status === 410)) return { kind: 'never', why };
  return { kind: 'later', why, ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }) };
}
