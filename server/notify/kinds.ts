/** What the owner can be told of: the list that each destination chooses from. */

interface KindInfo {
  readonly id: string;
  readonly label: string;
  /** Half a sentence: what a message of it says. */
  readonly words: string;
  /** Comes through when routine messages are held back. */
  readonly urgent: boolean;
}

export const NOTIFY_KINDS = [
  {
    id: 'approval',
    label: 'An order waits for you',
    words: 'an agent asks for your approval, or its time is over',
    urgent: true,
  },
  {
    id: 'unknown',
    label: 'An unclear order',
    words: 'nobody knows what a broker did with an order, and what it turned out to be',
    urgent: true,
  },
  {
    id: 'kill',
    label: 'The kill switch',
    words: 'everything was halted, and by whom; trading goes on again',
    urgent: true,
  },
  {
    id: 'breach',
    label: 'A limit is reached',
    words: 'an agent or account lost too much or sends too much, and may only reduce now',
    urgent: true,
  },
  {
    id: 'connection',
    label: 'A broker or the market is away',
    words:
      'no connection to a broker, no prices from an open market, a list of instruments that can not be read, a sign-in at a broker that is needed; and when they are back',
    urgent: true,
  },
  {
    id: 'record',
    label: 'The gateway can not write',
    words: 'the database or the file of the record can not be written',
    urgent: true,
  },
  {
    id: 'books',
    label: 'A broker has other than the books',
    words:
      'money or a position came or went without an order, a position was closed by the broker, or something there is in no list',
    urgent: false,
  },
  {
    id: 'sign_in',
    label: 'Sign-ins and your keys',
    words:
      'a browser that is new signs in or is trusted, the passphrase changes, a recovery code is used, an account with real money or other credentials are given',
    urgent: true,
  },
  {
    id: 'client',
    label: 'A remote client asks',
    words:
      'a host that you connect, or a stranger, waits to be let in, or signed up where no approval is asked for',
    urgent: true,
  },
  {
    id: 'agent',
    label: 'An agent steps back',
    words: 'an agent halts itself or tightens its mandate',
    urgent: false,
  },
  { id: 'mandate', label: 'A mandate has ended', words: 'its last day is over', urgent: true },
  {
    id: 'refusals',
    label: 'Refusals in a burst',
    words: 'many orders of an agent are refused within a minute',
    urgent: false,
  },
  {
    id: 'fill',
    label: 'Fills',
    words: 'orders were filled; those of ten seconds in one message',
    urgent: false,
  },
] as const satisfies readonly KindInfo[];

export type NotifyKind = (typeof NOTIFY_KINDS)[number]['id'];

/** Kinds that nobody chooses: the test button, and the one message that says that there are too many. */
export type MessageKind = NotifyKind | 'test' | 'flood';

const IDS: ReadonlySet<string> = new Set(NOTIFY_KINDS.map(({ id }) => id));
export const isNotifyKind = (text: string): text is NotifyKind => IDS.has(text);

/** What an agent brings about by what it does; however much of it, it uses up the room of no other kind. */
const OF_AGENTS: ReadonlySet<NotifyKind> = new Set<NotifyKind>(['approval', 'agent', 'refusals', 'fill']);
export const isOfAgents = (kind: NotifyKind): boolean => OF_AGENTS.has(kind);

export const labelOf = (kind: NotifyKind): string =>
  NOTIFY_KINDS.find(({ id }) => id === kind)?.label ?? kind;

export const isUrgent = (kind: NotifyKind): boolean =>
  NOTIFY_KINDS.find(({ id }) => id === kind)?.urgent ?? true;
