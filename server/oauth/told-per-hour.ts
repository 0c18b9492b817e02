/** Lines on the record about what strangers are refused: a few an hour, and the rest as one number, however long they go on. */
import type { AuditEvent } from '#audit/event.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Clock } from '#ports.ts';
import { StoreUnavailable } from '#store/open.ts';

export interface ToldPerHour {
  tell(event: AuditEvent): void;
  /** Tells what is counted and no more. */
  close(): void;
}

interface ToldOptions {
  readonly audit: Pick<AuditLog, 'recordRepeated' | 'recordDeferred'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly linesMax: number;
}

const HOUR_MS = 3_600_000;

/** The same of each name apart: whoever fills their part of an hour takes nothing from what is told of another. */
export interface ToldOfEach {
  tell(name: string, event: AuditEvent): void;
  close(): void;
}

export function toldOfEach(o: ToldOptions & { readonly namesMax: number }): ToldOfEach {
  const each = new Map<string, ToldPerHour>();
  function close(): void {
    for (const told of each.values()) told.close();
    each.clear();
  }
  return {
    tell(name, event) {
      if (!each.has(name) && each.size >= o.namesMax) close();
      const told = each.get(name) ?? toldPerHour(o);
      each.set(name, told);
      told.tell(event);
    },
    close,
  };
}

export function toldPerHour(o: ToldOptions): ToldPerHour {
  const { audit, clock, linesMax } = o;
  let cancel: (() => void) | undefined;
  let told = 0;
  let untold = 0;
  let latest: AuditEvent | undefined;

  function write(event: AuditEvent): void {
    try {
      audit.recordRepeated(event);
    } catch (cause) {
      if (!(cause instanceof StoreUnavailable)) throw cause;
      audit.recordDeferred(event);
    }
  }
  function endHour(): void {
    cancel?.();
    cancel = undefined;
    if (latest && untold > 0) write({ ...latest, detail: { ...latest.detail, more: untold } });
    told = 0;
    untold = 0;
    latest = undefined;
  }
  return {
    tell(event) {
      cancel ??= clock.after(HOUR_MS, endHour);
      if (told < linesMax) {
        told++;
        return write(event);
      }
      untold++;
      latest = event;
    },
    close: endHour,
  };
}
