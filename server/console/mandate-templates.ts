/** Mandates to begin with: what an owner wants in most cases, as whole documents that the editor opens. */
import type { MandateDocument } from '#domain/mandate.ts';
import { ORDER_TYPES } from '#domain/order.ts';

export interface MandateTemplate {
  readonly id: string;
  readonly label: string;
  /** What it allows, in one sentence. */
  readonly words: string;
  readonly document: (accounts: readonly string[], symbols: readonly string[]) => MandateDocument;
}

type Limits = Pick<
  MandateDocument,
  | 'max_order_qty'
  | 'max_order_value'
  | 'max_daily_value'
  | 'max_daily_orders'
  | 'max_daily_loss'
  | 'max_open_orders'
  | 'max_gross_exposure'
>;
const NOTHING: Limits = {
  max_order_qty: '0',
  max_order_value: '0',
  max_daily_value: '0',
  max_daily_orders: 0,
  max_daily_loss: '0',
  max_open_orders: 0,
  max_gross_exposure: '0',
};

interface Given {
  readonly id: string;
  readonly label: string;
  readonly words: string;
  readonly limits: Limits;
  readonly mayReduce?: MandateDocument['may_reduce'];
  readonly approval?: MandateDocument['approval'];
}

const template = ({
  id,
  label,
  words,
  limits,
  mayReduce = 'own',
  approval = 'never',
}: Given): MandateTemplate => ({
  id,
  label,
  words,
  document: (accounts, symbols) => ({
    accounts: [...accounts],
    symbols: [...symbols],
    sides: ['buy', 'sell'],
    may_reduce: mayReduce,
    order_types: [...ORDER_TYPES],
    allow_short: false,
    ...limits,
    trading_hours: 'any',
    expires_at: null,
    commit: 'two_step',
    approval,
  }),
});

/** In the order they are offered; the first is what a paper account is for. */
export const MANDATE_TEMPLATES: readonly MandateTemplate[] = [
  template({
    id: 'practice',
    label: 'Paper practice',
    words: 'Trades freely within wide limits: for a paper account.',
    limits: {
      max_order_qty: '100',
      max_order_value: '25000',
      max_daily_value: '250000',
      max_daily_orders: 500,
      max_daily_loss: '5000',
      max_open_orders: 50,
      max_gross_exposure: '100000',
    },
  }),
  template({
    id: 'small',
    label: 'Small',
    words: 'Buys and sells in small amounts, a few times a day, each order previewed first.',
    limits: {
      max_order_qty: '10',
      max_order_value: '2000',
      max_daily_value: '10000',
      max_daily_orders: 20,
      max_daily_loss: '200',
      max_open_orders: 5,
      max_gross_exposure: '10000',
    },
  }),
  template({
    id: 'asks',
    label: 'Asks you first',
    words:
      'Buys and sells in moderate amounts; every order that can add risk waits for your approval, 15 minutes at most.',
    limits: {
      max_order_qty: '50',
      max_order_value: '10000',
      max_daily_value: '50000',
      max_daily_orders: 50,
      max_daily_loss: '1000',
      max_open_orders: 10,
      max_gross_exposure: '50000',
    },
    approval: 'always',
  }),
  template({
    id: 'close_only',
    label: 'May close, never open',
    words: 'Closes and cancels anything in its accounts, whoever opened it, and opens nothing.',
    limits: NOTHING,
    mayReduce: 'account',
  }),
  template({
    id: 'read_only',
    label: 'Read only',
    words: 'Sees markets and accounts; trades nothing.',
    limits: NOTHING,
  }),
];

/** As forms offer them, with the figures that matter most in one line; `currency` may be ''. */
export const templateRows = (currency: string) =>
  MANDATE_TEMPLATES.map(({ id, label, words, document }) => {
    const { max_order_value: order, max_daily_value: day, max_daily_loss: loss } = document([], []);
    return { id, label, words, figures: order === '0' ? null : { order, day, loss, currency } };
  });

export const templateById = (id: string): MandateTemplate | undefined =>
  MANDATE_TEMPLATES.find((one) => one.id === id);
