/** An agent's REST client that survives its gateway: it fires calls, keeps what was never answered, and asks again with the same key. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Of a call that must act once. */
  readonly key?: string;
  readonly body?: object;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface CrashingClient {
  /** Undefined: the gateway died before the answer was whole. */
  call(call: Call): Promise<Answer | undefined>;
  /** Answers of keyed calls so far: key to order id. */
  readonly orderOfKey: ReadonlyMap<string, string>;
  /** Keyed calls that an answer named an order for, and calls that nobody answered, since the last `forget`. */
  readonly answered: readonly Call[];
  readonly unanswered: readonly Call[];
  forget(): void;
  /** Answers that must never be given, in full. */
  readonly wrong: readonly string[];
  readonly reasons: ReadonlyMap<string, number>;
}

/** The same key with the same arguments is no conflict, and a bug is no answer. */
const NEVER_SAID: ReadonlySet<string> = new Set(['internal', 'idempotency_conflict', 'rate_limited']);

const orderIdOf = (body: Answer['body']): string | undefined => {
  const order = body['order'] as { order_id?: string } | null | undefined;
  return order?.order_id ?? (body['order_id'] as string | undefined);
};

export function crashingClient(url: string, apiKey: string): CrashingClient {
  const orderOfKey = new Map<string, string>();
  const reasons = new Map<string, number>();
  const wrong: string[] = [];
  let answered: Call[] = [];
  let unanswered: Call[] = [];

  async function send(call: Call): Promise<Answer | undefined> {
    try {
      const response = await fetch(`${url}/api/v1${call.path}`, {
        method: call.method,
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    } catch {
      return undefined;
    }
  }
  /** A key names one order for ever, whatever happened in between; nothing here is a bug's answer. */
  function note(call: Call, { status, body }: Answer): void {
    const reason = (body['reason'] as string | undefined) ?? 'done';
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const said = `${call.method} ${call.path} ${JSON.stringify(call.body)}: ${status} ${JSON.stringify(body)}`;
    if (status === 500 || NEVER_SAID.has(reason)) wrong.push(said);
    const orderId = orderIdOf(body);
    if (call.key === undefined || orderId === undefined) return;
    const before = orderOfKey.get(call.key) ?? orderId;
    if (before !== orderId) wrong.push(`${said}, and ${before} before`);
    orderOfKey.set(call.key, before);
    answered.push(call);
  }
  return {
    orderOfKey,
    get answered() {
      return answered;
    },
    get unanswered() {
      return unanswered;
    },
    reasons,
    wrong,
    forget() {
      answered = [];
      unanswered = [];
    },
    async call(call) {
      const answer = await send(call);
      if (answer === undefined) unanswered.push(call);
      else note(call, answer);
      return answer;
    },
  };
}
