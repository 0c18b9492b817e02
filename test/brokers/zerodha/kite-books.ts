// The order management system of the simulated broker: orders and their states, trades, positions, holdings, margins.

import type { Clock } from '#ports.ts';
import { ist, type SimInstrument, type SimMarket, symbolKey } from './kite-world.ts';

export type Form = Readonly<Record<string, string>>;

export class KiteError extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

export interface SimOrder {
  order_id: string;
  exchange_order_id: string | null;
  parent_order_id: null;
  placed_by: string;
  status: string;
  status_message: string | null;
  status_message_raw: string | null;
  order_timestamp: string;
  exchange_update_timestamp: string | null;
  exchange_timestamp: string | null;
  variety: string;
  modified: boolean;
  exchange: string;
  tradingsymbol: string;
  instrument_token: number;
  order_type: string;
  transaction_type: string;
  validity: string;
  product: string;
  quantity: number;
  disclosed_quantity: number;
  price: number;
  trigger_price: number;
  average_price: number;
  filled_quantity: number;
  pending_quantity: number;
  cancelled_quantity: number;
  market_protection: number;
  meta: Record<string, unknown>;
  tag: string | null;
  tags?: string[];
  guid: string;
}

export interface SimTrade {
  trade_id: string;
  order_id: string;
  exchange_order_id: string | null;
  exchange: string;
  tradingsymbol: string;
  instrument_token: number;
  product: string;
  average_price: number;
  quantity: number;
  transaction_type: string;
  fill_timestamp: string;
  order_timestamp: string;
  exchange_timestamp: string;
}

export interface SimHolding {
  tradingsymbol: string;
  exchange: string;
  instrument_token: number;
  isin: string;
  product: 'CNC';
  quantity: number;
  t1_quantity: number;
  realised_quantity: number;
  opening_quantity: number;
  used_quantity: number;
  collateral_quantity: number;
  average_price: number;
  last_price: number;
}

export interface SimBooks {
  readonly orders: SimOrder[];
  readonly trades: SimTrade[];
  readonly holdings: SimHolding[];
  readonly overnight: Map<string, { quantity: number; price: number }>;
  cash: number;
  /** Steps of an order's way to the exchange that it waits at, until `settle` moves it on. */
  transitional: boolean;
  /** Whether what is marketable fills by itself. */
  matches: boolean;
  place(variety: string, form: Form): SimOrder;
  modify(variety: string, id: string, form: Form): SimOrder;
  cancel(variety: string, id: string): SimOrder;
  settle(id: string): void;
  trigger(id: string): void;
  fill(id: string, quantity?: number, price?: number): SimTrade;
  reject(id: string, message: string): void;
  /** The exchange gives up what is left of an order, e.g. the rest of an IOC or a DAY order at the close. */
  lapse(id: string): void;
  byId(id: string): SimOrder;
  positions(): { readonly net: unknown[]; readonly day: unknown[] };
  margins(): Record<string, unknown>;
  newDay(): void;
}

export interface BooksOptions {
  readonly clock: Clock;
  readonly instruments: () => readonly SimInstrument[];
  readonly markets: ReadonlyMap<string, SimMarket>;
  readonly told: (order: SimOrder) => void;
}

const FINAL = new Set(['COMPLETE', 'CANCELLED', 'REJECTED']);
export const isFinalSim = (status: string): boolean => FINAL.has(status);
const paise = (amount: number): number => Number(amount.toFixed(4));
const offGrid = (price: number, tick: number): boolean =>
  tick > 0 && Math.abs(price / tick - Math.round(price / tick)) > 1e-6;

function priceOf(form: Form, name: string): number {
  const given = form[name];
  if (given === undefined || given === '') return 0;
  if (!/^\d+(?:\.\d+)?$/.test(given)) throw new KiteError(400, 'InputException', `Invalid \`${name}\`.`);
  return Number(given);
}

function oneOf(form: Form, name: string, among: readonly string[]): string {
  const given = form[name] ?? '';
  if (!among.includes(given)) throw new KiteError(400, 'InputException', `Invalid \`${name}\`.`);
  return given;
}

/** What the front of Kite refuses before an order exists. */
function check(order: SimOrder, instrument: SimInstrument, market: SimMarket | undefined): void {
  const { order_type: type, price, trigger_price: trigger, quantity } = order;
  const bad = (message: string): never => {
    throw new KiteError(400, 'InputException', message);
  };
  if (!Number.isSafeInteger(quantity) || quantity < 1) bad('Invalid `quantity`.');
  if (instrument.lot > 1 && quantity % instrument.lot !== 0)
    bad(`Order quantity should be multiple of ${instrument.lot}.`);
  if (instrument.lot > 1 && quantity > instrument.lot * 28) bad('Quantity is above the freeze limit.');
  if ((type === 'LIMIT' || type === 'SL') && !(price > 0)) bad('Invalid `price`.');
  if ((type === 'SL' || type === 'SL-M') && !(trigger > 0)) bad('Invalid `trigger_price`.');
  if (offGrid(price, instrument.tick) || offGrid(trigger, instrument.tick))
    bad(`Tick size for this script is ${instrument.tick}. Kindly enter price in the multiple of tick size.`);
  if ((type === 'MARKET' || type === 'SL-M') && order.market_protection === 0)
    bad('Market orders without market protection are not allowed via API.');
  if (market !== undefined && price > 0 && (price < market.lower || price > market.upper))
    bad(`Your order price is outside the circuit limits of ${market.lower} and ${market.upper}.`);
  const derivative = instrument.type !== 'EQ';
  if (derivative && order.product === 'CNC') bad('Product CNC is not allowed for this segment.');
  if (!derivative && order.product === 'NRML') bad('Product NRML is not allowed for this segment.');
}

/** Delivery and a bought option in full, a sold option as much as its exposure, the rest by a fifth. */
export function marginNeeded(order: {
  readonly product: string;
  readonly tradingsymbol: string;
  readonly transaction_type: string;
  readonly quantity: number;
  readonly at: number;
}): number {
  const worth = order.at * order.quantity;
  if (/(?:CE|PE)$/.test(order.tradingsymbol) && /\d/.test(order.tradingsymbol))
    return order.transaction_type === 'BUY' ? worth : order.quantity * OPTION_SOLD_UNIT;
  return order.product === 'CNC' ? worth : worth / 5;
}
/** Rupees of SPAN and exposure for a unit of a sold option. */
const OPTION_SOLD_UNIT = 2_000;

export function openBooks(options: BooksOptions): SimBooks {
  const { clock, markets } = options;
  let serial = 0;
  let tradeSerial = 70_000;
  const now = (): string => ist(clock.wallMs());
  const tell = (order: SimOrder): void => options.told({ ...order });
  const update = (order: SimOrder, patch: Partial<SimOrder>): void => {
    Object.assign(order, patch, { exchange_update_timestamp: now() });
    tell(order);
  };
  const resting = (order: SimOrder): string =>
    order.order_type === 'SL' || order.order_type === 'SL-M' ? 'TRIGGER PENDING' : 'OPEN';

  function marketable(order: SimOrder): number | undefined {
    const market = markets.get(symbolKey(order));
    const touch = order.transaction_type === 'BUY' ? market?.asks[0]?.price : market?.bids[0]?.price;
    if (touch === undefined) return undefined;
    if (order.order_type === 'MARKET') return touch;
    if (order.order_type !== 'LIMIT') return undefined;
    const inside = order.transaction_type === 'BUY' ? touch <= order.price : touch >= order.price;
    return inside ? touch : undefined;
  }
  /** The exchange has it: it rests, trades, or lapses. */
  function arrive(order: SimOrder): void {
    const needed = needs(order);
    if (order.transaction_type === 'BUY' && needed > books.cash) {
      const message = `Insufficient funds. Required margin is ${needed.toFixed(2)} but available margin is ${books.cash.toFixed(2)}. Check the orderbook for open orders.`;
      update(order, { status: 'REJECTED', status_message: message, status_message_raw: `RMS:${message}` });
      return;
    }
    update(order, {
      status: resting(order),
      exchange_order_id: `11000000${order.order_id.slice(-8)}`,
      exchange_timestamp: now(),
    });
    if (!books.matches) return;
    const at = marketable(order);
    if (at !== undefined) books.fill(order.order_id, undefined, at);
    else if (order.validity === 'IOC') books.lapse(order.order_id);
  }
  function needs(order: SimOrder): number {
    const at = order.price || (markets.get(symbolKey(order))?.last ?? 0);
    return marginNeeded({ ...order, at });
  }

  const books: SimBooks = {
    orders: [],
    trades: [],
    holdings: [],
    overnight: new Map(),
    cash: 1_000_000,
    transitional: false,
    matches: true,
    place(variety, form) {
      oneOf({ variety }, 'variety', ['regular', 'amo']);
      const instrument = options
        .instruments()
        .find((i) => symbolKey(i) === `${form['exchange']}:${form['tradingsymbol']}`);
      if (instrument === undefined || instrument.segment === 'INDICES')
        throw new KiteError(
          400,
          'InputException',
          'The instrument you are placing an order for has either expired or does not exist.',
        );
      const tag = form['tag'] ?? null;
      if (tag !== null && !/^[A-Za-z0-9_ -]{1,20}$/.test(tag))
        throw new KiteError(400, 'InputException', 'Invalid `tag`. It can be at most 20 characters.');
      serial += 1;
      const order: SimOrder = {
        order_id: `${ist(clock.wallMs()).slice(2, 10).replaceAll('-', '')}${String(serial).padStart(9, '0')}`,
        exchange_order_id: null,
        parent_order_id: null,
        placed_by: 'XX0000',
        status: 'PUT ORDER REQ RECEIVED',
        status_message: null,
        status_message_raw: null,
        order_timestamp: now(),
        exchange_update_timestamp: null,
        exchange_timestamp: null,
        variety,
        modified: false,
        exchange: instrument.exchange,
        tradingsymbol: instrument.tradingsymbol,
        instrument_token: instrument.token,
        order_type: oneOf(form, 'order_type', ['MARKET', 'LIMIT', 'SL', 'SL-M']),
        transaction_type: oneOf(form, 'transaction_type', ['BUY', 'SELL']),
        validity: oneOf({ validity: 'DAY', ...form }, 'validity', ['DAY', 'IOC', 'TTL']),
        product: oneOf(form, 'product', ['CNC', 'MIS', 'NRML']),
        quantity: Number(form['quantity']),
        disclosed_quantity: 0,
        price: priceOf(form, 'price'),
        trigger_price: priceOf(form, 'trigger_price'),
        average_price: 0,
        filled_quantity: 0,
        pending_quantity: Number(form['quantity']),
        cancelled_quantity: 0,
        market_protection: Number(form['market_protection'] ?? 0),
        meta: {},
        tag,
        ...(tag === null ? {} : { tags: [tag] }),
        guid: `guid-${serial}`,
      };
      check(order, instrument, markets.get(symbolKey(instrument)));
      books.orders.push(order);
      tell(order);
      if (variety === 'amo') update(order, { status: 'AMO REQ RECEIVED' });
      else if (!books.transitional) arrive(order);
      return order;
    },
    modify(variety, id, form) {
      const order = books.byId(id);
      if (order.variety !== variety || isFinalSim(order.status))
        throw new KiteError(
          400,
          'OrderException',
          'Order cannot be modified as it is being processed. Try later.',
        );
      const instrument = options.instruments().find((i) => symbolKey(i) === symbolKey(order));
      const next: SimOrder = {
        ...order,
        order_type: form['order_type'] ?? order.order_type,
        quantity: form['quantity'] === undefined ? order.quantity : Number(form['quantity']),
        price: form['price'] === undefined ? order.price : priceOf(form, 'price'),
        trigger_price:
          form['trigger_price'] === undefined ? order.trigger_price : priceOf(form, 'trigger_price'),
        validity: form['validity'] ?? order.validity,
        market_protection:
          form['market_protection'] === undefined
            ? order.market_protection
            : Number(form['market_protection']),
        modified: true,
      };
      if (next.quantity <= order.filled_quantity)
        throw new KiteError(400, 'InputException', 'The new quantity is not above what has filled.');
      if (instrument !== undefined) check(next, instrument, markets.get(symbolKey(order)));
      Object.assign(order, next, { pending_quantity: next.quantity - order.filled_quantity });
      if (books.transitional) update(order, { status: 'MODIFY VALIDATION PENDING' });
      else {
        update(order, { status: resting(order) });
        const at = books.matches ? marketable(order) : undefined;
        if (at !== undefined) books.fill(id, undefined, at);
      }
      return order;
    },
    cancel(variety, id) {
      const order = books.byId(id);
      if (order.variety !== variety || isFinalSim(order.status))
        throw new KiteError(
          400,
          'OrderException',
          'Order cannot be cancelled as it is being processed. Try later.',
        );
      if (books.transitional) update(order, { status: 'CANCEL PENDING' });
      else books.lapse(id);
      return order;
    },
    settle(id) {
      const order = books.byId(id);
      if (order.status === 'CANCEL PENDING') books.lapse(id);
      else if (order.status.startsWith('MODIFY')) update(order, { status: resting(order) });
      else arrive(order);
    },
    trigger(id) {
      const order = books.byId(id);
      update(order, { status: 'OPEN', order_type: order.order_type === 'SL' ? 'LIMIT' : 'MARKET' });
      const at = books.matches ? marketable(order) : undefined;
      if (at !== undefined) books.fill(id, undefined, at);
    },
    fill(id, quantity, price) {
      const order = books.byId(id);
      const qty = quantity ?? order.quantity - order.filled_quantity;
      const at = price ?? (order.price || (markets.get(symbolKey(order))?.last ?? 0));
      const filled = order.filled_quantity + qty;
      const average = (order.average_price * order.filled_quantity + at * qty) / filled;
      const trade: SimTrade = {
        trade_id: String(++tradeSerial),
        order_id: id,
        exchange_order_id: order.exchange_order_id,
        exchange: order.exchange,
        tradingsymbol: order.tradingsymbol,
        instrument_token: order.instrument_token,
        product: order.product,
        average_price: paise(at),
        quantity: qty,
        transaction_type: order.transaction_type,
        fill_timestamp: now(),
        order_timestamp: order.order_timestamp.slice(11),
        exchange_timestamp: now(),
      };
      books.trades.push(trade);
      const sign = order.transaction_type === 'BUY' ? -1 : 1;
      const leverage = order.product === 'CNC' ? 1 : 5;
      books.cash = paise(books.cash + (sign * at * qty) / leverage);
      update(order, {
        filled_quantity: filled,
        pending_quantity: order.quantity - filled,
        average_price: paise(average),
        status: filled >= order.quantity ? 'COMPLETE' : 'OPEN',
      });
      return trade;
    },
    reject(id, message) {
      update(books.byId(id), { status: 'REJECTED', status_message: message, status_message_raw: message });
    },
    lapse(id) {
      const order = books.byId(id);
      update(order, {
        status: 'CANCELLED',
        cancelled_quantity: order.quantity - order.filled_quantity,
        pending_quantity: 0,
      });
    },
    byId(id) {
      const order = books.orders.find((one) => one.order_id === id);
      if (order === undefined) throw new KiteError(400, 'GeneralException', "Couldn't find that `order_id`.");
      return order;
    },
    positions: () => positionsOf(books, markets),
    margins: () => ({
      enabled: true,
      net: books.cash,
      available: {
        adhoc_margin: 0,
        cash: books.cash,
        opening_balance: books.cash,
        live_balance: books.cash,
        collateral: 0,
        intraday_payin: 0,
      },
      utilised: { debits: 0, exposure: 0, m2m_realised: 0, m2m_unrealised: 0, span: 0, holding_sales: 0 },
    }),
    newDay() {
      for (const order of books.orders) if (!isFinalSim(order.status)) books.lapse(order.order_id);
      books.orders.length = 0;
      books.trades.length = 0;
    },
  };
  return books;
}

/** Net and day positions by instrument and product, with the fields of the documentation. */
function positionsOf(books: SimBooks, markets: ReadonlyMap<string, SimMarket>) {
  const rows = new Map<string, { trades: SimTrade[]; overnight: number; product: string; key: string }>();
  const rowOf = (key: string, product: string) => {
    const id = `${key}|${product}`;
    const found = rows.get(id) ?? {
      trades: [],
      overnight: books.overnight.get(id)?.quantity ?? 0,
      product,
      key,
    };
    rows.set(id, found);
    return found;
  };
  for (const id of books.overnight.keys()) rowOf(id.slice(0, id.indexOf('|')), id.slice(id.indexOf('|') + 1));
  for (const trade of books.trades) rowOf(symbolKey(trade), trade.product).trades.push(trade);
  const net = [...rows.values()].map(({ trades, overnight, product, key }) => {
    const sideOf = (side: string) => trades.filter((one) => one.transaction_type === side);
    const total = (list: SimTrade[]) => list.reduce((sum, one) => sum + one.quantity, 0);
    const worth = (list: SimTrade[]) => list.reduce((sum, one) => sum + one.quantity * one.average_price, 0);
    const [buys, sells] = [sideOf('BUY'), sideOf('SELL')];
    const [exchange = '', tradingsymbol = ''] = key.split(/:(.*)/s);
    const last = markets.get(key)?.last ?? 0;
    const quantity = overnight + total(buys) - total(sells);
    return {
      tradingsymbol,
      exchange,
      instrument_token: trades[0]?.instrument_token ?? 0,
      product,
      quantity,
      overnight_quantity: overnight,
      multiplier: 1,
      average_price: total(buys) === 0 ? 0 : worth(buys) / total(buys),
      close_price: 0,
      last_price: last,
      value: worth(sells) - worth(buys),
      pnl: worth(sells) - worth(buys) + quantity * last,
      m2m: 0,
      unrealised: 0,
      realised: 0,
      buy_quantity: total(buys),
      sell_quantity: total(sells),
    };
  });
  return { net, day: net.filter((row) => row.overnight_quantity !== row.quantity) };
}
