/** Words of other trading interfaces for ours, compared without case and punctuation: for suggestions only, never taken silently. */

/** By our field, in the order in which a tool that has several of them is tried. */
const FIELD_WORDS: readonly (readonly [ours: string, theirs: string])[] = [
  ['side', 'action direction transactiontype orderside buysell bs tradeside'],
  [
    'qty',
    'quantity amount size shares units orderqty orderquantity ordersize totalquantity contracts newqty newquantity newsize',
  ],
  ['notional', 'value dollars usd cash cashqty quoteorderqty quoteqty ordervalue dollaramount notionalvalue'],
  ['type', 'ordertype pricetype ordtype kind'],
  ['time_in_force', 'tif duration validity goodtill expiry timeinforcetype'],
  ['limit_price', 'limit limitprice lmtprice newprice newlimitprice limitpx pricelimit'],
  [
    'stop_price',
    'stop trigger triggerprice stopprice stoppx auxprice newstopprice activationprice stoptrigger',
  ],
  ['stop_loss', 'sl stoplossprice slprice stoplosslevel'],
  ['take_profit', 'tp target takeprofitprice tpprice targetprice profittarget'],
  ['trail_percent', 'callbackrate trailingpercent trailpct trailingpct trailingstoppercent'],
  ['trail_price', 'trailamount trailingamount traildistance trailingdistance trailingoffset'],
  ['reduce_only', 'closeonly reducing closeposition'],
  ['post_only', 'makeronly maker'],
  ['extended_hours', 'outsiderth extendedtrading afterhours premarket'],
  ['symbol', 'ticker instrument asset symbols productid tradingsymbol security pair market conid symbolname'],
  ['symbols', 'tickers symbol ticker instruments assets pairs symbollist'],
  ['order_id', 'id orderid orderno orderuuid'],
  ['account', 'accountid accountname accountnumber accounts portfolio acct'],
  ['tag', 'strategy strategyid label note comment'],
  ['note', 'comment memo rationale explanation reason message justification'],
  ['client_order_id', 'clientid clordid clientoid newclientorderid orderref userref clientorderref'],
  ['idempotency_key', 'key requestid idempotency nonce idempotencytoken'],
  ['action_token', 'token confirmationtoken previewtoken actionid confirmtoken previewid'],
  ['dry_run', 'preview simulate simulation validate test whatif papertrade'],
  ['timeframe', 'interval resolution granularity barsize period frequency tf'],
  ['days', 'period range lookback lookbackdays numdays window timeframe'],
  ['start', 'from fromdate startdate starttime since after begin datefrom'],
  ['since', 'from fromdate startdate starttime start after begin datefrom'],
  ['end', 'to todate enddate endtime until before dateto'],
  ['limit', 'count n pagesize bars perpage maxresults top max numbars'],
  ['cursor', 'page nextcursor offset pagetoken nexttoken'],
  ['status', 'state orderstatus filter'],
  ['query', 'q text name keyword keywords search searchterm searchtext symbol ticker'],
  ['reason', 'why message note comment'],
];

/** By our word; where two enums share one of theirs, the one that allows the answer takes it. */
const VALUE_WORDS: readonly (readonly [ours: string, theirs: string])[] = [
  ['buy', 'b bid long buytoopen buytocover buytoclose bot bto btc cover buylimit buymarket'],
  ['sell', 's short ask selltoopen selltoclose sellshort sshort sld sto stc sellmarket selllimit'],
  ['market', 'mkt marketorder m'],
  ['limit', 'lmt limitorder l'],
  ['stop', 'stp slm stopmarket stoploss stoporder stoplossmarket stpmkt'],
  ['stop_limit', 'sl stoplimit stplmt stoplosslimit stplimit stoplimitorder'],
  ['trailing_stop', 'trailing trail trailingstop trailstop trailingstopmarket trailingstoporder'],
  [
    'gtc',
    'goodtillcancel goodtillcanceled goodtillcancelled goodtilcancel goodtilcanceled goodtilcancelled gooduntilcanceled gooduntilcancelled untilcanceled',
  ],
  ['day', 'gfd goodforday intraday dayorder dayonly today regular'],
  ['ioc', 'immediateorcancel immediate fak fillandkill'],
  ['fok', 'fillorkill allornone'],
  ['1d', 'daily 1day day d d1 24h 1440 1440m 1w 1wk 1week weekly w w1 1mo 1month monthly mn1'],
  ['1h', 'hourly 1hour 1hr hour h h1 60 60m 60min 2h 4h h4 240 120'],
  ['15m', '15min 15minute 15minutes m15 15 30m 30min m30 30'],
  ['5m', '5min 5minute 5minutes m5 5 10m 10min'],
  ['1m', '1min 1minute minute m1 1 3m 2m min'],
  ['final', 'closed done filled canceled cancelled rejected expired completed complete executed inactive'],
  ['open', 'working pending active new live accepted partiallyfilled submitted current'],
  ['closed', 'final flat done'],
  ['all', 'any both everything'],
  ['365', '1y 1yr 1year year yearly annual 12m ytd'],
  ['90', '3m 3mo quarter quarterly'],
  ['30', '1m 1mo 1month month monthly'],
  ['7', '1w 1wk 1week week weekly'],
];

/**
 * Of the same length as one of ours, and another order: GTD ends at a date, GTX is post-only, GTT and GFS end otherwise. A slip
 * of the finger would turn each into gtc.
 */
export const OTHER_ORDERS: ReadonlySet<string> = new Set(['gtd', 'gtx', 'gtt', 'gfs']);

type Synonyms = ReadonlyMap<string, readonly string[]>;

function byTheirs(words: readonly (readonly [ours: string, theirs: string])[]): Synonyms {
  const found = new Map<string, string[]>();
  for (const [ours, theirs] of words)
    for (const word of theirs.split(' ')) found.set(word, [...(found.get(word) ?? []), ours]);
  return found;
}

/** By our tool. */
const TOOL_WORDS: readonly (readonly [ours: string, theirs: string])[] = [
  [
    'place_order',
    'buy sell trade order createorder submitorder neworder sendorder placetrade executetrade marketorder limitorder placestockorder placecryptoorder executeorder openposition',
  ],
  ['modify_order', 'editorder updateorder replaceorder amendorder changeorder replaceorderbyid'],
  ['cancel_order', 'deleteorder cancel cancelorderbyid revokeorder'],
  ['cancel_all_orders', 'deleteallorders cancelall cancelorders'],
  ['close_position', 'exitposition liquidateposition deleteposition sellposition squareoff closetrade'],
  ['close_all_positions', 'closepositions closeall liquidate liquidateall flatten exitall squareoffall'],
  ['halt_trading', 'stop stoptrading killswitch kill halt pause pausetrading emergencystop'],
  ['tighten_mandate', 'tightenlimits lowerlimits reducelimits lowerlimit restrictmandate narrowmandate'],
  [
    'get_quotes',
    'getquote quote quotes getprice price getticker ticker getlatestquote getlatesttrade getltp ltp getstockquote getmarketprice getprices fetchticker',
  ],
  [
    'get_bars',
    'gethistoricaldata historicaldata history gethistory getcandles candles klines getklines getohlcv ohlcv getstockbars fetchohlcv getpricehistory',
  ],
  [
    'watch_market',
    'subscribe subscribequotes streamquotes streammarketdata watchquotes watchsymbols watchprices watch stream pollquotes waitforprice',
  ],
  ['get_market_depth', 'getorderbook orderbook depth getdepth fetchorderbook level2'],
  ['get_market_clock', 'getclock clock ismarketopen getmarketstatus marketstatus getmarkethours gettime'],
  [
    'get_account',
    'account accountinfo getaccountinfo getbalance balance balances getfunds funds buyingpower getaccountsummary getmargin',
  ],
  ['list_accounts', 'accounts getaccounts'],
  [
    'get_positions',
    'positions portfolio getportfolio getposition getopenpositions getallpositions listpositions',
  ],
  ['get_holdings', 'holdings getholding listholdings fetchholdings'],
  [
    'get_orders',
    'orders listorders getopenorders openorders orderhistory getorderhistory getorderbookorders fetchorders',
  ],
  ['get_order', 'orderstatus getorderstatus order getorderbyid'],
  ['get_trades', 'trades executions fills getfills getexecutions tradehistory mytrades tradebook'],
  [
    'get_pnl_history',
    'pnl getpnl profit performance getperformance portfoliohistory getportfoliohistory equitycurve',
  ],
  [
    'get_mandate',
    'whoami limits getlimits permissions mandate risklimits getrisklimits setmandate loosenmandate raiselimits',
  ],
  ['get_gateway_status', 'status health ping getstatus serverstatus'],
  ['get_instrument', 'instrument getasset asset getcontract contractdetails getsymbolinfo symbolinfo'],
  [
    'search_instruments',
    'search searchsymbol searchsymbols symbolsearch findinstrument lookup getinstruments listinstruments getallassets searchinstrument',
  ],
];

/** Their word to ours, most likely first. */
export const FIELD_SYNONYMS: Synonyms = byTheirs(FIELD_WORDS);
export const VALUE_SYNONYMS: Synonyms = byTheirs(VALUE_WORDS);
export const TOOL_SYNONYMS: Synonyms = byTheirs(TOOL_WORDS);
