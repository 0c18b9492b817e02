/** One line of the record, whole; what its call was given is sealed, and opening it is itself a line of the record. */
import { z } from 'zod';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { auditRow, textOf } from './audit-rows.ts';
import { action, definePage, type OwnerVisit, refused, show } from './define.ts';

export const auditLine = definePage({
  path: '/audit/:seq',
  title: 'Line of the record',
  view: 'audit-line.html',
  load(visit) {
    const line = lineOf(visit);
    if (line === undefined)
      return err(refuse('not_found', `The record has no line ${visit.params['seq'] ?? ''}.`));
    const { reason: _, ...detail } = line.detail ?? {};
    return ok({
      line: {
        ...auditRow(line),
        scope: line.scope,
        hash: line.hash,
        prev: line.prev,
        args_hmac: line.args_hmac,
      },
      detail: Object.entries(detail).map(([name, value]) => ({ name, text: textOf(value) })),
      last: visit.services.audit.head().seq,
    });
  },
  actions: {
    open: action({
      input: z.strictObject({}),
      run(visit) {
        const opened = visit.services.audit.openArguments(seqOf(visit));
        return opened.ok
          ? show({ opened: JSON.stringify(opened.value, null, 2).split('\n') })
          : refused(refuse('not_found', opened.error));
      },
    }),
  },
});

const lineOf = (visit: OwnerVisit) => visit.services.audit.line(seqOf(visit));

/** 0 is no line. */
function seqOf({ params }: OwnerVisit): number {
  const { seq = '' } = params;
  return /^\d{1,15}$/.test(seq) ? Number(seq) : 0;
}
