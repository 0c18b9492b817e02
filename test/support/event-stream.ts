/** A program that reads /api/v1/stream: its events as they came, and what it was refused with. */
import type { OpenStream } from './streams.ts';
import { openStream, until } from './streams.ts';

export interface ToldEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventStream extends OpenStream {
  /** Whole events so far, of one name or of all. */
  events(name?: string): readonly ToldEvent[];
  /** Once so many of a name are here. */
  heard(name: string, count?: number): Promise<readonly ToldEvent[]>;
}

/** By the letter of the standard: fields a line, events divided by an empty one, comments left out. */
export function eventsIn(text: string): readonly ToldEvent[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const fields = new Map(
        block.split('\n').map((line) => {
          const colon = line.indexOf(': ');
          return [line.slice(0, colon), line.slice(colon + 2)];
        }),
      );
      const event = fields.get('event');
      if (event === undefined) return [];
      return [
        { event, id: fields.get('id'), data: JSON.parse(fields.get('data') ?? '') as ToldEvent['data'] },
      ];
    });
}

export async function followStream(options: {
  readonly url: string;
  readonly key: string;
  readonly query: string;
  readonly lastEventId?: string | undefined;
}): Promise<EventStream> {
  const { lastEventId } = options;
  const stream = await openStream({
    port: Number(new URL(options.url).port),
    key: options.key,
    path: `/api/v1/stream?${options.query}`,
    ...(lastEventId === undefined ? {} : { headers: { 'last-event-id': lastEventId } }),
  });
  const events = (name?: string) =>
    eventsIn(stream.text()).filter(({ event }) => name === undefined || event === name);
  return {
    ...stream,
    events,
    async heard(name, count = 1) {
      await until(() => events(name).length >= count);
      return events(name);
    },
  };
}
