/** The log of the HTTP surface: a structured line for each answer, with nothing in it that a caller could hide a secret in. */
import { type FastifyReply, type FastifyRequest, type FastifyServerOptions, LogController } from 'fastify';
import { shownAddress } from '#access/address.ts';
import { redactedText } from '#audit/redact.ts';
import { LOG_PATH_LENGTH_MAX, LOG_TEXT_LENGTH_MAX } from '#limits.ts';
import { pathOf } from './request-head.ts';

export interface LogOptions {
  readonly level: string;
  /** Where lines go; standard output without it. */
  readonly to?: { write(line: string): void };
}

/** Neither header, query nor body is ever handed to the log; what an error quotes of them is redacted. */
export function loggerOptions({ level, to }: LogOptions) {
  return {
    // Ours is one line an answer; the framework's own two would cost twice as much and say less.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger,
    logger: {
      level,
      ...(to ? { stream: to } : {}),
      serializers: { req: shownRequest, res: ({ statusCode }) => ({ statusCode }), err: shownError },
    },
  } as const satisfies FastifyServerOptions;
}

const shownRequest = (request: FastifyRequest) => ({ method: request.method, path: shownPath(request) });

/** Whatever was thrown, which need not be an Error. The first line of a stack is the message again. */
function shownError(thrown: unknown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return { type: error.name, message: shown(error.message), stack: frames.map(shown).join('\n') };
}
const shown = (text: string): string => redactedText(text, LOG_TEXT_LENGTH_MAX);

/** Without the query; a path of our own is known to be clean, any other is a stranger's text. */
function shownPath(request: FastifyRequest): string {
  const { url } = request.routeOptions;
  return url !== undefined && !url.includes(':') ? url : redactedText(pathOf(request), LOG_PATH_LENGTH_MAX);
}

/** What was served is on the record; a line for each as well is for whoever looks for something. */
const levelOf = (status: number): 'debug' | 'info' | 'warn' => {
  if (status >= 500) return 'warn';
  return status >= 400 ? 'info' : 'debug';
};
const SEVERITY: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const { log } = request;
  const level = levelOf(reply.statusCode);
  // Not put together when nobody reads it.
  if (SEVERITY.indexOf(level) < SEVERITY.indexOf(log.level)) return;
  log[level](
    {
      reqId: request.id,
      method: request.method,
      path: shownPath(request),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      address: shownAddress(request.ip),
    },
    'answered',
  );
}
