/** What the labelled kills interrupt: each act of the order line, what stands before it, and how a client repeats it. */
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import type { Trading } from '#trading/open.ts';
import { draft } from './order-drafts.ts';
import type { ScriptedBroker } from './scripted-broker.ts';

/** What an act acts on; goes to the child as JSON. */
export interface Target {
  /** Of the act's own call, and the tag of the order that it makes. */
  readonly key: string;
  readonly orderId?: string;
  /** What is to be approved, as it was shown. */
  readonly approval?: { readonly id: string; readonly digest: string };
}

/** The line as the test has it before the act, on the venue that stays. */
export interface Before {
  readonly trading: Trading;
  readonly who: Principal;
  /** An agent whose every order needs the owner. */
  readonly asking: Principal;
  readonly broker: ScriptedBroker;
  readonly key: string;
  settle(): Promise<void>;
}

export interface Act {
  readonly name: string;
  prepare(before: Before): Promise<Target>;
  /** Undefined: what is killed is the start. */
  readonly work: ((trading: Trading, who: Principal, target: Target) => Promise<unknown>) | undefined;
  /** Whether it makes an order under its key. */
  readonly makesOrder: boolean;
}

const committed = (key: string, tool = 'place_order') =>
  ({ kind: 'commit', tool, digest: key, idempotencyKey: key }) as const;
const reducing = (tool: string, key: string) => ({ tool, digest: key, dryRun: false, idempotencyKey: key });

async function place(
  { trading, who }: Pick<Before, 'trading' | 'who'>,
  key: string,
  order: Parameters<typeof draft>[0],
) {
  const answer = await trading.placeOrder(who, { ...draft(order), tag: key }, committed(key));
  if (!answer.ok || answer.value.dryRun) throw new Error(`not placed: ${JSON.stringify(answer)}`);
  return answer.value.order;
}
const rest = (before: Before, key = `${before.key}-rests`) =>
  place(before, key, { side: 'buy', qty: '2', limit: '1440' });

/** A position of three with an order that protects it. */
async function hold(before: Before): Promise<void> {
  await place(before, `${before.key}-bought`, { side: 'buy', qty: '3' });
  await before.settle();
  await place(before, `${before.key}-protects`, { side: 'sell', qty: '3', limit: '1460' });
}

export const ACTS: readonly Act[] = [
  {
    name: 'place',
    makesOrder: true,
    prepare: async ({ key }) => ({ key }),
    work: (trading, who, { key }) => place({ trading, who }, key, { side: 'buy', qty: '1', limit: '1440' }),
  },
  {
    name: 'place a bracket that fills',
    makesOrder: true,
    prepare: async ({ key }) => ({ key }),
    work: (trading, who, { key }) =>
      place({ trading, who }, key, { side: 'buy', qty: '2', takeProfit: '1480', stopLoss: '1420' }),
  },
  {
    name: 'replace',
    makesOrder: false,
    prepare: async (before) => ({ key: before.key, orderId: (await rest(before)).orderId }),
    work: (trading, who, { key, orderId = '' }) => {
      const { limitPrice } = draft({ side: 'buy', limit: '1441' });
      if (limitPrice === undefined) throw new Error('no price');
      return trading.modifyOrder(who, { orderId, limitPrice }, committed(key, 'modify_order'));
    },
  },
  {
    name: 'cancel',
    makesOrder: false,
    prepare: async (before) => ({ key: before.key, orderId: (await rest(before)).orderId }),
    work: (trading, who, { key, orderId = '' }) =>
      trading.cancelOrder(who, orderId, reducing('cancel_order', key)),
  },
  {
    name: 'close',
    makesOrder: false,
    async prepare(before) {
      await hold(before);
      return { key: before.key };
    },
    work: (trading, who, { key }) =>
      trading.closePosition(
        who,
        { account: draft({ side: 'sell' }).account, symbol: 'SPX' },
        reducing('close_position', key),
      ),
  },
  {
    name: 'approve',
    makesOrder: true,
    async prepare(before) {
      await place({ ...before, who: before.asking }, before.key, { side: 'buy', qty: '2', limit: '1440' });
      const [card] = before.trading.owner.approvals.waiting();
      if (card === undefined) throw new Error('nothing waits for the owner');
      return { key: before.key, approval: { id: card.id, digest: card.digest } };
    },
    work: async (trading, _who, { approval = { id: '', digest: '' } }) =>
      trading.owner.approvals.approve({ ...approval, by: OWNER_CLI }),
  },
  {
    name: 'kill',
    makesOrder: false,
    async prepare(before) {
      await hold(before);
      await rest(before);
      await rest(before, `${before.key}-rests-too`);
      return { key: before.key };
    },
    work: (trading) => trading.kill({ cancel: 'adding', flatten: true, by: 'cli' }),
  },
  {
    name: 'start',
    makesOrder: false,
    async prepare(before) {
      const resting = await rest(before);
      before.broker.silent = true;
      before.broker.next.place.push({ effect: 'accept', answer: 'never' });
      before.broker.next.cancel.push({ effect: 'lose', answer: 'never' });
      void place(before, `${before.key}-unclear`, { side: 'buy', qty: '1', limit: '1439' });
      void before.trading.cancelOrder(before.who, resting.orderId, {
        ...reducing('cancel_order', `${before.key}-lost`),
      });
      await before.settle();
      const [unclear] = before.broker.sent.place.slice(-1);
      before.broker.fill(unclear ?? '', '1', '1439');
      before.broker.release(() => []);
      return { key: before.key };
    },
    work: undefined,
  },
];
