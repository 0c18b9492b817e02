/** What is used of ccxt, as types of our own: its methods by name, and what it answers with every number a string. */

/** With `number = String` every number that ccxt parsed is text; what it left out is undefined or null. */
export type Figure = string | number | null | undefined;
export type Text = string | null | undefined;

export interface CcxtMarket {
  readonly id: string;
  readonly symbol: string;
  readonly type: string;
  readonly base: string;
  readonly quote: string;
  readonly settle?: Text;
  readonly active?: boolean | null;
  readonly spot?: boolean;
  readonly swap?: boolean;
  readonly linear?: boolean | null;
  readonly contractSize?: Figure;
  readonly maker?: Figure;
  readonly taker?: Figure;
  readonly precision: { readonly amount?: Figure; readonly price?: Figure };
  readonly limits: {
    readonly amount?: { readonly min?: Figure; readonly max?: Figure };
    readonly price?: { readonly min?: Figure; readonly max?: Figure };
    readonly cost?: { readonly min?: Figure; readonly max?: Figure };
  };
}

export interface CcxtOrder {
  readonly id?: Text;
  readonly clientOrderId?: Text;
  readonly symbol?: Text;
  readonly type?: Text;
  readonly side?: Text;
  readonly timeInForce?: Text;
  readonly postOnly?: boolean | null;
  readonly reduceOnly?: boolean | null;
  readonly price?: Figure;
  readonly triggerPrice?: Figure;
  readonly stopLossPrice?: Figure;
  readonly takeProfitPrice?: Figure;
  readonly amount?: Figure;
  readonly filled?: Figure;
  readonly status?: Text;
  readonly timestamp?: Figure;
  readonly info?: unknown;
}

export interface CcxtFee {
  readonly cost?: Figure;
  readonly currency?: Text;
}
export interface CcxtTrade {
  readonly id?: Text;
  readonly order?: Text;
  readonly symbol?: Text;
  readonly side?: Text;
  readonly price?: Figure;
  readonly amount?: Figure;
  readonly timestamp?: Figure;
  readonly fee?: CcxtFee | null;
  readonly fees?: readonly CcxtFee[] | null;
}

export interface CcxtTicker {
  readonly symbol?: Text;
  readonly bid?: Figure;
  readonly ask?: Figure;
  readonly bidVolume?: Figure;
  readonly askVolume?: Figure;
  readonly last?: Figure;
  readonly timestamp?: Figure;
}
export type CcxtTickers = Readonly<Record<string, CcxtTicker>>;

export interface CcxtBook {
  readonly bids: readonly (readonly Figure[])[];
  readonly asks: readonly (readonly Figure[])[];
  readonly timestamp?: Figure;
}

export interface CcxtBalance {
  readonly free?: Readonly<Record<string, Figure>>;
  readonly total?: Readonly<Record<string, Figure>>;
}

export interface CcxtPosition {
  readonly symbol?: Text;
  readonly side?: Text;
  readonly contracts?: Figure;
  readonly entryPrice?: Figure;
  readonly unrealizedPnl?: Figure;
}

/** A socket of ccxt: what arrives on it goes through `onMessage`. */
export interface CcxtSocket {
  readonly url: string;
  readonly connection?: { readonly readyState?: number; terminate?(): void; ping?(): void };
  onMessage(event: { readonly data: unknown }): void;
  onPong(): void;
  /** Ends its timers, and every promise that waits for it. */
  reset(fault: Error): void;
  readonly connected: Promise<unknown>;
  future(name: string): Promise<unknown>;
}

type Params = Readonly<Record<string, unknown>>;

/** One exchange of ccxt. What could move money out of an account is not among its methods, so nothing here can call it. */
export interface Ccxt {
  readonly id: string;
  readonly name: string;
  readonly rateLimit: number;
  readonly has: Readonly<Record<string, boolean | 'emulated' | undefined>>;
  readonly features?: unknown;
  readonly timeframes?: Readonly<Record<string, unknown>>;
  readonly requiredCredentials: Readonly<Record<string, boolean>>;
  readonly precisionMode: number;
  readonly options: Record<string, unknown>;
  readonly urls: Record<string, unknown>;
  readonly markets?: Readonly<Record<string, CcxtMarket>>;
  userAgents?: Readonly<Record<string, string>>;
  hostname?: string;

  log: (...said: readonly unknown[]) => void;
  /** Approves a fee of ccxt's own. */
  handleBuilderFeeApproval?: () => Promise<boolean>;
  loadHttpProxyAgent(): Promise<unknown>;
  setSandboxMode(enabled: boolean): void;
  loadTimeDifference?(): Promise<unknown>;
  loadMarkets(reload?: boolean): Promise<Readonly<Record<string, CcxtMarket>>>;
  market(symbol: string): CcxtMarket;
  amountToPrecision(symbol: string, amount: string): string;
  priceToPrecision(symbol: string, price: string): string;

  createOrder(
    symbol: string,
    type: string,
    side: string,
    amount: string,
    price: string | undefined,
    params: Params,
  ): Promise<CcxtOrder>;
  editOrder(
    id: string,
    symbol: string,
    type: string,
    side: string,
    amount: string,
    price: string | undefined,
    params: Params,
  ): Promise<CcxtOrder>;
  cancelOrder(id: string, symbol?: string, params?: Params): Promise<CcxtOrder>;
  fetchOrder(id: string | undefined, symbol?: string, params?: Params): Promise<CcxtOrder>;
  fetchOpenOrders(
    symbol?: string,
    since?: number,
    limit?: number,
    params?: Params,
  ): Promise<readonly CcxtOrder[]>;
  fetchClosedOrders(
    symbol?: string,
    since?: number,
    limit?: number,
    params?: Params,
  ): Promise<readonly CcxtOrder[]>;
  fetchMyTrades(
    symbol?: string,
    since?: number,
    limit?: number,
    params?: Params,
  ): Promise<readonly CcxtTrade[]>;
  fetchBalance(params?: Params): Promise<CcxtBalance>;
  fetchPositions(symbols?: readonly string[], params?: Params): Promise<readonly CcxtPosition[]>;

  fetchTickers(symbols?: readonly string[], params?: Params): Promise<CcxtTickers>;
  fetchBidsAsks(symbols?: readonly string[], params?: Params): Promise<CcxtTickers>;
  fetchTicker(symbol: string): Promise<CcxtTicker>;
  fetchOrderBook(symbol: string, limit?: number): Promise<CcxtBook>;
  fetchOHLCV(
    symbol: string,
    timeframe: string,
    since?: number,
    limit?: number,
    params?: Params,
  ): Promise<readonly (readonly Figure[])[]>;

  watchOrders(symbol?: string): Promise<readonly CcxtOrder[]>;
  watchMyTrades(symbol?: string): Promise<readonly CcxtTrade[]>;
  watchTickers(symbols: readonly string[]): Promise<CcxtTickers>;
  watchBidsAsks(symbols: readonly string[]): Promise<CcxtTickers>;
  readonly clients?: Record<string, CcxtSocket>;
  client(url: string): CcxtSocket;

  // What we put in place of its own, so that nothing is sent, awaited or timed but by our rules.
  throttle: (cost?: number) => Promise<void>;
  fetch: (url: string, method?: string, headers?: Headers, body?: string) => Promise<unknown>;
  milliseconds: () => number;
  nonce: () => number;
  parseJson: (text: string) => unknown;
  onJsonResponse(text: string): string;
  handleRestResponse(
    response: RestResponse,
    url: string,
    method: string,
    headers?: Headers,
    body?: string,
  ): Promise<unknown>;
  setHeaders(headers: Headers): Headers;
  headers?: Headers;
}

export type Headers = Readonly<Record<string, string>>;
export interface RestResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly text: () => Promise<string>;
}

export type CcxtClass = new (config: Readonly<Record<string, unknown>>) => Ccxt;
