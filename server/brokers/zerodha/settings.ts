/** What an account at Zerodha is set up with: the products that orders take by themselves, and the keys of a Kite Connect app. */
import { z } from 'zod';
import { loopbackEndpoint } from '#brokers/endpoint.ts';

export const zerodhaSettings = z.strictObject({
  /** Of shares, where an order names none: delivery, or intraday. */
  equity_product: z.enum(['cnc', 'mis']).default('cnc'),
  /** Of futures and options. */
  derivatives_product: z.enum(['nrml', 'mis']).default('nrml'),
  /** Whether an order outside trading hours is queued as an after-market order, or refused. */
  after_market: z.enum(['no', 'yes']).default('no'),
  /** One address for everything: a simulator, or a proxy that knows the way. */
  endpoints: loopbackEndpoint.optional(),
});
export type ZerodhaSettings = z.output<typeof zerodhaSettings>;

const KEY = /^[A-Za-z0-9]{4,64}$/;
export const zerodhaCredentials = z.strictObject({
  api_key: z.string().regex(KEY, 'the api_key of the app, letters and digits'),
  api_secret: z.string().regex(KEY, 'the api_secret of the app, letters and digits'),
});
export type ZerodhaCredentials = z.output<typeof zerodhaCredentials>;

export interface KiteEndpoints {
  readonly api: string;
  readonly stream: string;
  readonly login: string;
}

export function endpointsOf({ endpoints }: ZerodhaSettings): KiteEndpoints {
  if (endpoints === undefined)
    return {
      api: 'https://api.kite.trade',
      stream: 'wss://ws.kite.trade/',
      login: 'https://kite.zerodha.com/connect/login',
    };
  const stream = new URL(endpoints);
  stream.protocol = stream.protocol === 'https:' ? 'wss:' : 'ws:';
  return { api: endpoints, stream: String(stream), login: String(new URL('/connect/login', endpoints)) };
}
