/** What an account at Zerodha is set up with: the products that orders take by themselves, and the keys of a Kite Connect app. */
import { z } from 'zod';
import { loopbackEndpoint } from '#brokers/endpoint.ts';

export const zerodhaSettings = z.strictObject({
  /** Of shares, where an order names none: delivery, or intraday. */
  equityProduct: z.enum(['cnc', 'mis']).default('cnc'),
  /** Of futures and options. */
  derivativesProduct: z.enum(['nrml', 'mis']).default('nrml'),
  /** Whether an order outside trading hours is queued as an after-market order, or refused. */
  afterMarket: z.enum(['no', 'yes']).default('no'),
  /** For a simulator or a proxy on loopback. */
  endpoints: z
    .strictObject({ api: loopbackEndpoint, stream: loopbackEndpoint, login: loopbackEndpoint.optional() })
    .optional(),
});
export type ZerodhaSettings = z.output<typeof zerodhaSettings>;

const KEY = /^[A-Za-z0-9]{4,64}$/;
export const zerodhaCredentials = z.strictObject({
  apiKey: z.string().regex(KEY, 'the api_key of the app, letters and digits'),
  apiSecret: z.string().regex(KEY, 'the api_secret of the app, letters and digits'),
});
export type ZerodhaCredentials = z.output<typeof zerodhaCredentials>;

export interface KiteEndpoints {
  readonly api: string;
  readonly stream: string;
  readonly login: string;
}

export function endpointsOf({ endpoints }: ZerodhaSettings): KiteEndpoints {
  const login = 'https://kite.zerodha.com/connect/login';
  if (endpoints === undefined)
    return { api: 'https://api.kite.trade', stream: 'wss://ws.kite.trade/', login };
  return { api: endpoints.api, stream: endpoints.stream, login: endpoints.login ?? login };
}
