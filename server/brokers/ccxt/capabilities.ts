/** What an account at an exchange can do, as data: what ccxt's features say, and of what cannot be read there only what was tried. */
import type { BrokerCapabilities } from '#ports.ts';
import { isRecord } from './answer.ts';
import type { AccountKind, ExchangeFacts } from './facts.ts';
import type { Ccxt } from './types.ts';

/** Of one method, for that kind of account; an empty record where nothing is said. */
export function featureOf(ccxt: Ccxt, kind: AccountKind, method: string): Readonly<Record<string, unknown>> {
  const { features } = ccxt;
  const ofKind = isRecord(features) ? features[kind] : undefined;
  const said = kind === 'swap' && isRecord(ofKind) ? ofKind['linear'] : ofKind;
  const found = isRecord(said) ? said[method] : undefined;
  return isRecord(found) ? found : {};
}

/** What every account can, before its exchange is known: for the form that adds one. */
export const LEAST_CAPABILITIES: BrokerCapabilities = {
  orderTypes: ['market', 'limit'],
  timesInForce: ['gtc'],
  brackets: false,
  trailing: false,
  extendedHours: false,
  shortSelling: false,
  replace: false,
  depth: true,
  postOnly: false,
  reduceOnly: false,
  products: [],
  marginPreview: false,
  holdings: false,
  ids: {
    scope: 'open_orders',
    queryByClientId: false,
    dedupes: false,
    cancelOnDisconnect: false,
    absentIsFinalAfterMs: 60_000,
  },
};

export function capabilitiesOf(ccxt: Ccxt, kind: AccountKind, facts: ExchangeFacts): BrokerCapabilities {
  const creating = featureOf(ccxt, kind, 'createOrder');
  const forces = isRecord(creating['timeInForce']) ? creating['timeInForce'] : {};
  // There a market buy is sized by what it may cost: a quantity would be taken for money.
  const buysByCost = kind === 'spot' && creating['marketBuyRequiresPrice'] === true;
  const hasStops = facts.stops.includes(kind);
  return {
    ...LEAST_CAPABILITIES,
    orderTypes: [
      ...(buysByCost ? [] : ['market']),
      'limit',
      ...(hasStops && !buysByCost ? ['stop'] : []),
      ...(hasStops ? ['stop_limit'] : []),
    ],
    timesInForce: [
      'gtc',
      ...(forces['IOC'] === true ? ['ioc'] : []),
      ...(forces['FOK'] === true ? ['fok'] : []),
    ],
    shortSelling: kind === 'swap',
    replace: facts.amendsInPlace.includes(kind) && ccxt.has['editOrder'] === true,
    depth: ccxt.has['fetchOrderBook'] === true,
    postOnly: forces['PO'] === true,
    reduceOnly: kind === 'swap',
    ids: {
      scope: facts.lookUp === undefined ? 'open_orders' : 'account',
      queryByClientId: facts.lookUp !== undefined,
      // An id may be used again once its order has ended, at every exchange whose rules are known here.
      dedupes: false,
      cancelOnDisconnect: false,
      absentIsFinalAfterMs: facts.absentIsFinalAfterMs,
    },
  };
}
