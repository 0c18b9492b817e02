/** Every bound that is not a setting, by name; pure, so that any room may read it. Long because it is the one list of them. */
import type { AssetClass } from '#domain/instrument.ts';

/** How far a limit, stop or market price may be from the reference, percent. */
export const COLLAR_PERCENT: { readonly [of in AssetClass]: string } = {
  equity: '5',
  index: '5',
  fx: '5',
  crypto: '10',
  perpetual: '10',
  future: '5',
  option: '20',
};
/** Market orders are valued at the far touch plus this, percent. */
export const SLIPPAGE_PERCENT = '0.5';
/** An older quote is refused as `stale_price`. */
export const QUOTE_AGE_MAX_MS = 30_000;
/** SEBI retail algo rule: more than ten orders a second need a registration. */
export const ORDERS_PER_SECOND_MAX = 10;

export const ACTION_TOKEN_TTL_MS = 300_000;
/** Live action tokens an agent may hold; the oldest falls out. */
export const ACTION_TOKENS_PER_AGENT_MAX = 200;
/** How long an order waits for the owner; after it, it is refused. */
export const APPROVAL_TTL_MS = 900_000;
export const APPROVAL_SWEEP_INTERVAL_MS = 1_000;
/** By how much two clocks may differ before the difference is shown. */
export const CLOCKS_APART_MS = 1_000;
/** Orders of an agent that may wait for the owner: more would only flood who has to read them. */
export const APPROVALS_PER_AGENT_MAX = 10;
/** Characters of what an agent may tell the owner with an order. */
export const APPROVAL_NOTE_LENGTH_MAX = 280;
/** Events of a broker that one transaction posts: a longer one would keep the process from everything else. */
export const BROKER_EVENTS_PER_COMMIT_MAX = 100;
export const BROKER_CALL_TIMEOUT_MS = 10_000;
/** How old a balance may be that an order is decided on at a broker behind a wire, and how often it is asked again without an order. */
export const BALANCE_AGE_MAX_MS = 5_000;
export const BALANCE_ASKED_AGAIN_EVERY_MIN_MS = 1_000;
/** How long an order waits for a fresh quote of a live feed before it is judged by the last one there is. */
export const QUOTE_WAIT_MS = 3_000;
/** How long a broker may take to say what margin an order needs, before its full value counts. */
export const MARGIN_WAIT_MS = 3_000;
/** How long a broker may take to say whether the credentials of a new account are right. */
export const ACCOUNT_TRIAL_MAX_MS = 15_000;
/** How long an answer waits for a new connection to stand, before it says how it stands. */
export const ACCOUNT_STANDING_MAX_MS = 5_000;
/** How long the owner may take at a broker's own page, and how many may be under way. */
export const BROKER_SIGN_IN_TTL_MS = 10 * 60_000;
export const BROKER_SIGN_INS_MAX = 20;
/** How often sessions at brokers are looked at, and how long before its end one is told of. */
export const BROKER_SESSION_LOOK_MS = 30_000;
export const BROKER_SIGN_IN_AHEAD_MS = 30 * 60_000;
/** How long a close waits for the broker's word on each order it cancels first. */
export const CANCEL_WAIT_MS = 5_000;
/** An account that has fallen so far below its highest equity may only reduce, unless the owner sets another limit. */
export const ACCOUNT_DRAWDOWN_PERCENT = '30';
/** What the cap on positions of an account may be set to at most. */
export const ACCOUNT_POSITIONS_MAX = 10_000;
export const LOSS_CHECK_INTERVAL_MS = 1_000;
/** An order that a reached limit takes back and that does not go is tried again after this, then after twice as long, and so on. */
export const TAKE_BACK_FIRST_WAIT_MS = 1_000;
export const TAKE_BACK_WAIT_MAX_MS = 60_000;
export const MARK_SAVE_INTERVAL_MS = 60_000;
/** Every account is compared with its broker this often even when nothing seems wrong. */
export const RECONCILE_ALL_INTERVAL_MS = 60_000;
export const RECONCILE_INTERVAL_MS = 5_000;
/** An order that is still unclear after this is asked about with the regular comparisons alone. */
export const RECONCILE_UNCLEAR_SOON_MS = 180_000;
/** Questions about single orders that may go unanswered one after the other before a comparison asks no more of them. */
export const RECONCILE_UNANSWERED_MAX = 3;
/** Holdings of one account that are shown. */
export const HOLDINGS_MAX = 1_000;
/** So long after its last execution a difference in cash is no late posting of a trade: a day's settlement has passed. */
export const CASH_QUIET_MS = 86_400_000;
/** What the owner records of an unclear order, a piece. */
export const EVIDENCE_SOURCE_CHARS_MAX = 200;
export const EVIDENCE_TEXT_CHARS_MAX = 2_000;
export const EVIDENCE_FILLS_MAX = 50;
export const KILL_SWEEP_INTERVAL_MS = 200;
/** Rounds that a kill's report waits for; sweeping goes on after it. */
export const KILL_SWEEPS_REPORTED_MAX = 5;
/** A drill whose end could not be written is ended again. */
export const KILL_DRILL_END_RETRY_MS = 1_000;
/** What a broker is given to say how orders ended, where the books can not be written. */
export const KILL_UNWRITTEN_WAIT_MS = 2_000;
/** A gate that fell in memory alone is written down again and again until it is. */
export const KILL_WRITE_RETRY_MS = 1_000;
export const KILL_WATCH_INTERVAL_MS = 250;

export const PAGE_DEFAULT = 100;
export const PAGE_MAX = 500;
/** Rows that one page of the owner's looks at for those that fit its filters; what is further back is on the next one. */
export const OWNER_SCAN_ROWS_MAX = 2_000;
/** How far down two filters are compared, to begin with the rarer one. */
export const OWNER_SCAN_PROBE_ROWS = 100;
/** What waits for the owner is counted in full and listed up to this. */
export const WAITING_ITEMS_MAX = 50;
/** A mandate that ends within it is said to be ending. */
export const MANDATE_ENDING_MS = 86_400_000;
export const BARS_MAX = 1_000;
export const SYMBOLS_PER_CALL_MAX = 50;
/** Characters of what a broker calls an instrument, or its underlying. */
export const INSTRUMENT_NAME_LENGTH_MAX = 120;
export const CLIENT_ORDER_ID_LENGTH_MAX = 64;
export const IDEMPOTENCY_KEY_LENGTH_MAX = 64;
export const TAG_LENGTH_MAX = 40;
/** Wrong fields that one refusal lists. */
export const FIELD_ERRORS_MAX = 20;
/** A longer suggestion is none: it would send a hostile text back several times over. */
export const NEAREST_LENGTH_MAX = 1_000;
/** A longer word, number or time is nobody's typing error, and comparing it costs. */
export const NEAREST_WORD_LENGTH_MAX = 60;
export const SEARCH_RESULTS_MAX = 50;
export const DEPTH_LEVELS_MAX = 50;
/** Instruments that one question to a broker's market names. */
export const QUOTES_PER_REQUEST_MAX = 100;
/** An instrument that was asked for is followed on the stream for so long after. */
export const FEED_FOLLOW_MS = 10 * 60_000;
/** Of one feed, whatever its broker would carry; what was asked for longest ago makes room. */
export const FEED_FOLLOWED_MAX = 2_000;
/** Changes of what is followed are told to the broker together. */
export const FEED_FOLLOW_GATHER_MS = 50;
/** What has expired is let go of this often. */
export const FEED_FOLLOW_LOOK_MS = 30_000;
/** A quote that was heard within this is not asked for. */
export const FEED_FRESH_MS = 2_000;
/** How long who wants a quote waits for the answer, and how soon the same one is asked for again. */
export const FEED_ASK_WAIT_MS = 4_000;
export const FEED_ASK_AGAIN_MS = 1_000;
/** Last quotes kept in memory, those followed among them. */
export const FEED_QUOTES_MAX = 10_000;
/** An open market's stream that is silent for this long is dead; with the interval at which it is looked at, under half a minute. */
export const FEED_SILENCE_MAX_MS = 20_000;
/** A dead stream is opened anew after this, then after twice as long, and so on. */
export const FEED_REOPEN_FIRST_MS = 5_000;
export const FEED_REOPEN_WAIT_MAX_MS = 120_000;
/** Ends of sessions are looked for at least this often: what is followed changes meanwhile. */
export const SESSION_LOOK_MAX_MS = 60_000;
/** Bars of one question to a broker. */
export const BARS_PER_FETCH_MAX = 10_000;
/** A bar is over this long after its end: venues are late with the last trades of it. */
export const BAR_SETTLE_MS = 2_000;
/** Orders of a paper account on live quotes whose session has ended are looked for this often. */
export const PAPER_SESSION_LOOK_MS = 1_000;
/** Bars that the command line hands to a running gateway at once. */
export const BARS_PER_IMPORT_MAX = 500;
/** A broker's list of instruments is read again at this time of day, UTC: Indian brokers have published theirs, no venue has opened. */
export const DIRECTORY_REFRESH_AT_MINUTES = 3 * 60 + 10;
/** After a failure, and before a list that is suspiciously short is believed. */
export const DIRECTORY_RETRY_MS = 10 * 60_000;
/** A list that has lost more than this since the last one is looked at twice, percent. */
export const DIRECTORY_SHRINK_PERCENT = 20;
export const DIRECTORY_LISTINGS_MAX = 1_000_000;
/** A list is written in pieces, so that no order waits for one: so many rows, and so long, at most. */
export const DIRECTORY_CHUNK_ROWS = 400;
export const DIRECTORY_CHUNK_MS = 6;
/** Instruments kept decoded in memory. */
export const INSTRUMENTS_CACHED_MAX = 4_000;
/** Rows that a search or a suggestion looks at. */
export const INSTRUMENT_CANDIDATES_MAX = 100;
/** Instruments with a feed that a refusal names, and that are listed as resources of their own. */
export const FEED_INSTRUMENTS_NAMED_MAX = 20;
export const RESOURCE_SYMBOLS_MAX = 100;

/** A larger database is not read through at every start; `doctor` does it. */
export const STORE_CHECK_BYTES_MAX = 512 * 1024 * 1024;

/** What was read is good for this long without asking whether another process has written. */
export const STORE_LOOK_INTERVAL_MS = 1;

/** How long a statement waits for another connection's. */
export const STORE_BUSY_TIMEOUT_MS = 2_000;

export const AUDIT_GROUP_MS = 50;
export const AUDIT_GROUP_EVENTS_MAX = 1_000;
export const AUDIT_FILE_BYTES_MAX = 256 * 1024 * 1024;
/** How long committed lines may wait for the file; what was missed after a failure is tried again after the second. */
export const AUDIT_FILE_DELAY_MS = 25;
export const AUDIT_RETRY_MS = 1_000;
/** How long they wait when so many came at once: a sync stops everything else, and many commits can share one. */
export const AUDIT_FILE_BUSY_DELAY_MS = 200;
export const AUDIT_FILE_BUSY_LINES = 100;
/** Events of cancels and the kill switch kept while the store is broken. */
export const AUDIT_DEFERRED_EVENTS_MAX = 10_000;
/** Repeated denials are counted over this; kinds of them beyond the bound are recorded one by one. */
export const AUDIT_REPEAT_WINDOW_MS = 1_000;
export const AUDIT_REPEATED_KEYS_MAX = 1_000;
export const AUDIT_TEXT_LENGTH_MAX = 2_000;
export const AUDIT_DEPTH_MAX = 8;
/** Longer details are cut to their reason, longer arguments to their length. */
export const AUDIT_DETAIL_LENGTH_MAX = 64 * 1024;
export const AUDIT_ARGUMENTS_LENGTH_MAX = 256 * 1024;
/** Arguments that come again and again, of agents that watch: their HMACs are kept. */
export const AUDIT_ARGUMENTS_REMEMBERED_MAX = 1_000;
export const AUDIT_ARGUMENTS_REMEMBERED_LENGTH_MAX = 200;
/** Rows that a verification reads at a time: between two batches it holds nothing that the engine's would wait for. */
export const AUDIT_VERIFY_ROWS_MAX = 2_000;
/** Rows that a search looks at where no index leads to what it looks for. */
export const AUDIT_SCAN_ROWS_MAX = 2_000;
/** Combinations of agent, kind, tool and outcome that a search goes through one by one. */
export const AUDIT_SUBJECTS_MAX = 1_000;
/** Rows that a search looks at beside each line that it is to find, to know how far it need look. */
export const AUDIT_PROBE_FACTOR = 4;
/** Lines that the index of orders may be behind. */
export const AUDIT_ORDERS_BEHIND_MAX = 200;
/** Lines that an export or a count reads before everything else has its turn. */
export const AUDIT_CHUNK_LINES_MAX = 250;
/** Lines of one order that are shown with it, the oldest. */
export const AUDIT_ORDER_LINES_MAX = 200;
/** A verification for the console that has not ended by then is given up. */
export const AUDIT_VERIFY_TIMEOUT_MS = 600_000;
/** Calls that the figures of traffic are made of, the latest; and how long they are good. */
export const TRAFFIC_CALLS_MAX = 20_000;
export const TRAFFIC_KEPT_MS = 2_000;
/** Points of its chart, and names that each of its tables has. */
export const TRAFFIC_POINTS = 60;
export const TRAFFIC_NAMES_MAX = 50;
export const AUDIT_LINE_BYTES_MAX = 512 * 1024;
/** What one batch appends to the file before it is synced. */
export const AUDIT_FILE_BATCH_BYTES_MAX = 4 * 1024 * 1024;

export const BODY_BYTES_MAX = 256 * 1024;
/** No tool takes more than a few levels; libraries overflow the stack at some thousands. */
export const JSON_DEPTH_MAX = 64;
/** Commas in a body: no call lists thousands of things, and complaining of each would take long. */
export const JSON_COMMAS_MAX = 5_000;
/** One part of an address that stands for an argument; longer ones are 414. */
export const HTTP_PATH_ARGUMENT_LENGTH_MAX = 200;
/** A request that has not arrived in full by then is dropped. */
export const HTTP_REQUEST_TIMEOUT_MS = 30_000;
/** Its head, which nobody needs time to write. */
export const HTTP_HEAD_TIMEOUT_MS = 10_000;
/** How often connections are looked through for such requests. */
export const HTTP_TIMEOUT_CHECK_MS = 1_000;
/** Connections open at once, more than all streams together; over it, the one that has asked nothing for longest ends. */
export const HTTP_CONNECTIONS_MAX = 3_072;
/** Requests of one connection in work at once: clients ask one after the other, and answers that wait are held. */
export const HTTP_REQUESTS_PER_CONNECTION_MAX = 16;
/** How often connections are looked at for answers that nobody reads, and at how many looks they may be as many. */
export const HTTP_UNREAD_LOOK_MS = 15_000;
export const HTTP_UNREAD_LOOKS_MAX = 8;
/** A stop waits this long for answers on their way: longer than a broker may take, shorter than an owner waits. */
export const HTTP_CLOSE_TIMEOUT_MS = 15_000;
/** Fields and bytes of a form of the console. */
export const FORM_FIELDS_MAX = 300;
export const FORM_BYTES_MAX = 64 * 1024;
/** Characters of one entry of a form that is no document. */
export const FORM_FIELD_LENGTH_MAX = 200;
/** Event streams of the console, and those of one session: a window each, while it is looked at. */
export const CONSOLE_STREAMS_MAX = 64;
export const CONSOLE_STREAMS_PER_SESSION_MAX = 12;
/** Bytes that a stream holds for a page that does not read; what comes then is told once it does. */
export const CONSOLE_STREAM_BYTES_MAX = 16 * 1024;
/** What changes within it is told at once; a stream is told no more often than once in the second. */
export const CONSOLE_EVENT_DELAY_MS = 50;
export const CONSOLE_EVENT_INTERVAL_MS = 1_000;
/** How often a stream says how the gateway is, and whether its session still lives is looked at. */
export const CONSOLE_BEAT_MS = 2_000;
/** Notices that wait for the owner's next page. */
export const CONSOLE_NOTICES_MAX = 100;
/** Of what a line of the record tells beside its kind. */
export const AUDIT_SUMMARY_LENGTH_MAX = 160;
/** How long the answer to a click waits for the verification of the record. */
export const VERIFY_WAIT_MS = 5_000;
/** Rows of a page of the console, and pages back that its address remembers. */
export const CONSOLE_ROWS_MAX = 50;
export const CONSOLE_PAGES_BACK_MAX = 50;
/** Latest orders on the dashboard. */
export const CONSOLE_ACTS_MAX = 12;
/** Latest calls on the dashboard that were refused. */
export const CONSOLE_REFUSALS_MAX = 5;
/** Bars of a chart, and those of them that its table lists. */
export const CONSOLE_BARS_MAX = 300;
export const CONSOLE_BARS_LISTED = 20;
export const LOG_PATH_LENGTH_MAX = 200;
export const LOG_TEXT_LENGTH_MAX = 1_000;
/** Requests of one address from outside this machine, whoever sends them. */
export const ADDRESS_REQUESTS_MAX = 60_000;
/** Requests of one address that were turned away as a stranger's (no key, a wrong key, nothing there). */
export const ADDRESS_TURNED_AWAY_MAX = 600;
export const ADDRESS_WINDOW_MS = 60_000;
/** Addresses counted at once, an IPv6 network (/64) being one. */
export const ADDRESSES_COUNTED_MAX = 10_000;
export const MCP_SESSIONS_PER_AGENT_MAX = 32;
export const MCP_SESSIONS_MAX = 1_000;
export const MCP_SESSION_IDLE_MS = 30 * 60_000;
/** How often the credentials of open event streams are looked at. */
export const MCP_STREAM_CHECK_MS = 5_000;
/** Event streams of the modern era open at once, and those of one agent. */
export const MCP_STREAMS_MAX = 1_024;
export const MCP_STREAMS_PER_AGENT_MAX = 64;
/** Streams of the modern era on one connection of the agent socket. */
export const MCP_STREAMS_PER_CONNECTION_MAX = 16;
/** A stream whose other side has not read for this long is ended. */
export const MCP_STREAM_STALLED_MS = 120_000;
/**
 * Event streams of programs (`/api/v1/stream`) open at once, and those of one key and of one address; a program needs one.
 */
export const STREAMS_MAX = 512;
export const STREAMS_PER_KEY_MAX = 8;
export const STREAMS_PER_ADDRESS_MAX = 64;
/** When somebody who has too many may try again. */
export const STREAMS_RETRY_AFTER_SECONDS = 5;
/** What changes within it goes out together, an instrument or account once. */
export const STREAM_BEAT_MS = 20;
/** A line without meaning this often, so that nobody on the way takes the stream for dead. */
export const STREAM_HEARTBEAT_MS = 15_000;
/** Bytes that a stream holds for who does not read; what comes then is told, each thing at its latest, once they do. */
export const STREAM_BUFFER_BYTES_MAX = 64 * 1024;
/** Notices sent before everything else has its turn: each is some microseconds. */
export const STREAM_NOTICES_PER_TURN_MAX = 500;
/** An account's figures are the broker's to give: they are asked for no more often than this for one stream. */
export const STREAM_ACCOUNT_INTERVAL_MS = 5_000;
/** Changes of orders and executions that are read for one stream before the next has its turn. */
export const STREAM_ORDER_EVENTS_PAGE = 50;
/** Rows of everybody's order changes that one look for an agent's own goes through. */
export const ORDER_EVENTS_SCAN_ROWS_MAX = 2_000;
/** How long a call may wait for quotes to change; what changes within the second figure of the first is told with it. */
export const WATCH_WAIT_MAX_MS = 20_000;
export const WATCH_GATHER_MS = 50;
/** Instruments whose latest change is remembered; what is beyond, and has not changed for longest, is told as changed. */
export const WATCHED_INSTRUMENTS_MAX = 20_000;
/** Calls that wait for quotes at once, and those of one agent. */
export const WATCHES_MAX = 512;
export const WATCHES_PER_AGENT_MAX = 16;
/** Resources that a session, a stream of the modern era or a connection follows at once. */
export const MCP_SUBSCRIPTIONS_MAX = 64;
/** What changes within it is told once; prices are told less often. */
export const MCP_NOTICE_DELAY_MS = 100;
export const MCP_QUOTE_NOTICE_MS = 1_000;
/** Notices sent before everything else has its turn. */
export const MCP_NOTICES_PER_TURN_MAX = 50;
/** Envelopes of the modern era that the SDK found in order, and how long they may be to be kept. */
export const MCP_ENVELOPES_REMEMBERED_MAX = 1_000;
export const MCP_ENVELOPE_LENGTH_MAX = 2_000;
/** Entries a page of the lists of MCP: tools, resources, templates, prompts. */
export const MCP_LIST_PAGE_MAX = 100;
/** How long a client of the modern era may keep a list: changes are told to those who listen. */
export const MCP_LIST_TTL_MS = 60_000;
export const RESOURCE_URI_LENGTH_MAX = 256;
/** What a person may write into a prompt. */
export const PROMPT_TEXT_LENGTH_MAX = 500;
/** Values that one completion offers; the protocol's own bound. */
export const COMPLETIONS_MAX = 100;
/** What was typed beyond it is not looked at. */
export const COMPLETION_TEXT_LENGTH_MAX = 80;
/** A call with a progress token is told of this often. */
export const MCP_PROGRESS_INTERVAL_MS = 1_000;
export const SOCKET_CONNECTIONS_MAX = 64;
export const SOCKET_MESSAGE_BYTES_MAX = 1024 * 1024;
/** Requests of one connection in work at once; the socket is not read further until one is answered. */
export const SOCKET_REQUESTS_MAX = 64;
export const SOCKET_PATH_BYTES_MAX = 100;
export const OWNER_CONNECTIONS_MAX = 16;
/** Who connects to a socket says so in its first line, within this time. */
export const SOCKET_GREETING_TIMEOUT_MS = 5_000;
export const SOCKET_HELLO_BYTES_MAX = 4_096;
/** An engine that has not greeted by then hangs: `kill` goes on without it. */
export const ENGINE_GREETING_TIMEOUT_MS = 1_000;
/** An act of the owner is answered by then; a kill waits for the broker's word on every order. */
export const OWNER_ANSWER_TIMEOUT_MS = 120_000;
/** The latest lines of the record are the longest answer. */
export const OWNER_ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** A kill goes on past an engine that has not answered by then, or a lock that is not free. */
export const KILL_ANSWER_TIMEOUT_MS = 30_000;
export const KILL_LOCK_WAIT_MS = 2_000;
export const KILL_BUSY_TIMEOUT_MS = 2_000;
/** How long a command or `stdio` waits for an engine that is starting or handing over. */
export const ENGINE_WAIT_MS = 20_000;
export const ENGINE_POLL_MS = 100;
/** After an engine that `stdio` started has ended, another one may still be about to listen. */
export const ENGINE_GIVE_UP_MS = 3_000;
/** Requests of one bridged host in work at once. */
export const BRIDGE_REQUESTS_MAX = 64;
export const ENGINE_FAILURE_LINES_MAX = 5;
export const LOCAL_IDLE_POLL_MS = 500;
/** A feed that stopped on a fault is started again after this. */
export const FEED_RESTART_MS = 5_000;
/** A `serve --local` that nobody uses and that works no order ends after this. */
export const LOCAL_IDLE_MS = 10_000;
/** A demo that has not told its story by then has failed. */
export const DEMO_DEADLINE_MS = 28_000;
/** How long its agents wait for a fill, and for the stops to be hit. */
export const DEMO_FILL_WAIT_MS = 5_000;
export const DEMO_WATCH_MS = 14_000;
export const DEMO_POLL_MS = 250;
export const TAPE_ROWS_MAX = 2_000_000;
/** A file is read as one string, and V8 holds no string of 512 MiB. */
export const TAPE_BYTES_MAX = 256 * 1024 * 1024;
/** A look at a tape before it is chosen that has not ended by then is given up: the longest tape there may be takes a quarter of it. */
export const TAPE_LOOK_TIMEOUT_MS = 60_000;
/** A feed that was held up publishes this much faster than its timing; what is older than this stays lost. */
export const TAPE_CATCH_UP_MS = 1_000;
/** Quotes are published at least this often while a tape runs. */
export const TAPE_STEP_MS_MAX = 1_000;
/** However short a bar, it is walked in this many steps: open, one extreme, the other, close. */
export const TAPE_STEPS_PER_BAR_MIN = 4;
export const SUGGESTIONS_MAX = 3;

/** How often monotonic time looks for what the machine slept through, and what it takes for sleep at least. */
export const SUSPENDED_LOOK_INTERVAL_MS = 1_000;
export const SUSPENDED_MIN_MS = 1_000;
/** Steady wall time is saved when it is this far ahead of what was saved. */
export const WALL_SAVE_INTERVAL_MS = 1_000;
export const RATE_SAVE_INTERVAL_MS = 1_000;
/** Every call that counts is remembered, eight bytes each. */
export const RATE_COUNT_MAX = 100_000;
export const TIME_ZONES_CACHED_MAX = 64;
export const AGENTS_MAX = 1_000;
export const KEYS_PER_AGENT_MAX = 100;
export const KEY_TTL_DEFAULT_MS = 90 * 86_400_000;
export const KEY_TTL_MAX_MS = 3_650 * 86_400_000;
/** A key's last use is written at most this often. */
export const KEY_USE_SAVE_INTERVAL_MS = 60_000;
/** Keys just let in, with where from, that need not be looked up again while nothing changes. */
export const KEYS_REMEMBERED_MAX = 1_000;
export const KEY_ADDRESSES_MAX = 100;
export const MANDATE_HISTORY_MAX = 100;
export const REASON_LENGTH_MAX = 200;
export const MANDATE_ERRORS_MAX = 50;
/** Symbols of a saved mandate in which nothing can be ordered, named one by one. */
export const MANDATE_WARNINGS_MAX = 10;
/** Tests that a mandate carries. */
export const MANDATE_TESTS_MAX = 100;
export const MANDATE_FILE_BYTES_MAX = 1024 * 1024;
/** What `--password-file` reads at most. */
export const PASSPHRASE_FILE_BYTES_MAX = 4_096;
/** Keys of a broker in PEM come in a few thousand bytes each. */
export const CREDENTIALS_FILE_BYTES_MAX = 16_384;
/** An address with what a broker sends back in it. */
export const SIGN_IN_FILE_BYTES_MAX = 8_192;

/** Characters of the owner's passphrase; shorter than advised is said on the page. */
export const PASSPHRASE_LENGTH_MIN = 12;
export const PASSPHRASE_LENGTH_ADVISED = 15;
export const PASSPHRASE_LENGTH_MAX = 256;
/** argon2id, above the first choice of OWASP's cheat sheet: about a sixth of a second. */
export const PASSPHRASE_COST = { memoryKib: 65_536, passes: 3 } as const;
/** Hashes at once: each holds 64 MiB and a core. */
export const PASSPHRASE_HASHES_MAX = 2;
/** Hashes that may wait for strangers, and as many for whom the gateway knows. */
export const PASSPHRASE_HASHES_WAITING_MAX = 16;
/** Tries of one address or trusted device, of all sessions together, of the command line; the lockout after them doubles. */
export const OWNER_TRIES_MAX = 5;
export const OWNER_TRIES_WINDOW_MS = 5 * 60_000;
export const OWNER_LOCK_FIRST_MS = 5 * 60_000;
export const OWNER_LOCK_MAX_MS = 15 * 60_000;
/** Tries from all addresses outside this machine together, trusted devices left out (NIST SP 800-63B, 5.2.2). */
export const OWNER_TRIES_ANYWHERE_MAX = 100;
export const OWNER_TRY_BUCKETS_MAX = 10_000;
export const SESSION_IDLE_MS = 12 * 3_600_000;
export const SESSION_TTL_MS = 7 * 86_400_000;
export const SESSION_SEEN_SAVE_INTERVAL_MS = 60_000;
export const SESSIONS_MAX = 50;
/** How long a proof lets its session do what is dangerous. */
export const STEP_UP_TTL_MS = 5 * 60_000;
export const DEVICE_TTL_MS = 30 * 86_400_000;
export const DEVICES_MAX = 20;
/** A setup or reset link, and the browser that has followed it. */
export const ONE_TIME_LINK_TTL_MS = 15 * 60_000;
/** An authenticator that was shown and not confirmed by then is forgotten. */
export const TOTP_PENDING_TTL_MS = 30 * 60_000;
/** How far the authenticator's clock may be from ours. */
export const TOTP_TOLERANCE_SECONDS = 30;
export const RECOVERY_CODES = 10;
/** Of the page Security. */
export const SIGN_INS_SHOWN_MAX = 20;
export const USER_AGENT_LENGTH_MAX = 200;

/** Steps of remote connections are written this long after something new, and this long after what only repeats itself. */
export const CONNECTION_SAVE_DELAY_MS = 1_000;
export const CONNECTION_REPEATS_DELAY_MS = 60_000;
/** Clients and addresses whose steps are held in memory between two writes. */
export const CONNECTION_SUBJECTS_NOTED_MAX = 1_000;
/** Addresses without a client that are kept, the latest, and how many new ones are taken up in a minute. */
export const CONNECTION_ADDRESSES_MAX = 100;
export const CONNECTION_ADDRESSES_NEW_MAX = 30;
export const CONNECTION_ADDRESSES_NEW_WINDOW_MS = 60_000;
export const CONNECTION_KEPT_MS = 7 * 86_400_000;
/** What an address did so long before it had a client id is that client's doing. */
export const CONNECTION_JOINED_WITHIN_MS = 3_600_000;
export const CONNECTION_OUTCOME_LENGTH_MAX = 120;
/** Steps so close to each other are of one page that goes on; a connection that moved so lately is not stuck yet. */
export const CONNECTION_SAME_MOMENT_MS = 3_000;
export const CONNECTION_UNDER_WAY_MS = 60_000;
/** On the pages of remote clients; what is beyond is on the record. */
export const REMOTE_CONNECTIONS_SHOWN_MAX = 20;
export const REMOTE_GRANTS_SHOWN_MAX = 50;
export const REMOTE_CALLS_SHOWN_MAX = 10;

/** The record is looked at for what to tell this long after a commit: commits that come together share a look. */
export const NOTIFY_LOOK_DELAY_MS = 200;
/** Lines that one look takes up. */
export const NOTIFY_LINES_PER_LOOK_MAX = 200;
/** How far what is durably known as read may be behind, in lines that told nothing. */
export const NOTIFY_CURSOR_LAG_MAX = 5_000;
/** After a fault of the store. */
export const NOTIFY_RETRY_MS = 5_000;
/** That the database can not be written is said again after this. */
export const NOTIFY_TROUBLE_AGAIN_MS = 3_600_000;
/** An order that is unclear for less is nobody's news. */
export const NOTIFY_UNCLEAR_AFTER_MS = 10_000;
export const NOTIFY_DESTINATIONS_MAX = 10;
/** The next destination is told this long after the one before it. */
export const NOTIFY_NEXT_AFTER_MS = 30_000;
export const NOTIFY_TIMEOUT_MS = 10_000;
/** Waits after a failure; when they are used up, it is given up. */
export const NOTIFY_BACKOFF_MS: readonly number[] = [
  5_000, 15_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000,
];
/** What a destination's own "not before" may put off at most. */
export const NOTIFY_PUT_OFF_MAX_MS = 900_000;
/** To one destination in an hour: of what agents do, routine messages stop first; each other kind has room of its own. */
export const NOTIFY_PER_HOUR_MAX = { routine: 40, urgent: 80, ofItsKind: 40 } as const;
/** Messages in an hour about the approvals that one agent asks for, and agents for whom they are counted. */
export const NOTIFY_APPROVALS_PER_HOUR_MAX = 20;
export const RECENT_ASKERS_MAX = 1_000;
/** Fills that come within this are one message. */
export const NOTIFY_FILLS_MS = 10_000;
export const NOTIFY_FILL_LINES_MAX = 20;
/** Remote clients that ask to be let in within this are one message, and the next one is told this much later. */
export const NOTIFY_CLIENTS = { gatherMs: 10_000, quietMs: 600_000 } as const;
export const NOTIFY_CLIENT_LINES_MAX = 5;
/** This many refused orders of one agent within this are told, and then not again for a while. */
export const NOTIFY_REFUSALS = { count: 5, withinMs: 60_000, quietMs: 600_000 } as const;
/** Agents whose latest refusals are remembered. */
export const RECENT_REFUSERS_MAX = 1_000;
export const NOTIFY_TITLE_LENGTH_MAX = 120;
export const NOTIFY_BODY_LENGTH_MAX = 2_000;
/** Of words of an agent or broker inside a message. */
export const NOTIFY_QUOTE_LENGTH_MAX = 280;
export const NOTIFY_MESSAGES_KEPT_MAX = 1_000;
export const NOTIFY_DELIVERIES_SHOWN_MAX = 50;
/** The feed is looked at this often while nothing comes from it. */
export const FEED_WATCH_INTERVAL_MS = 5_000;
/** How often it is looked at what positions and working orders need quotes of. */
export const HELD_QUOTES_INTERVAL_MS = 5_000;

/** Body of a registration; a client has ten addresses and a name to tell. */
export const REGISTRATION_BYTES_MAX = 8 * 1024;
/** Of its JSON: lists of texts in one object; commas with room for what other servers would read. */
export const REGISTRATION_DEPTH_MAX = 8;
export const REGISTRATION_COMMAS_MAX = 500;
/** Clients that one network registers in an hour and in a day; hosts register two at each connect. */
export const REGISTRATIONS_PER_HOUR_MAX = 10;
export const REGISTRATIONS_PER_DAY_MAX = 30;
/** Clients that wait for the owner, and those of them that one network or IPv6 site (/48) may have sent: it must never fill the list. */
export const CLIENTS_PENDING_MAX = 20;
export const CLIENTS_PENDING_PER_NETWORK_MAX = 8;
export const CLIENTS_PENDING_PER_SITE_MAX = 12;
/** How soon a network may try again when it is the list that is full. */
export const REGISTRATION_FULL_RETRY_MS = 3_600_000;
/** A client that waits, and with which nobody has tried to connect for this long, is dropped. */
export const CLIENT_PENDING_TTL_MS = 7 * 86_400_000;
export const CLIENT_SWEEP_INTERVAL_MS = 3_600_000;
/** Lines on the record about registrations that were refused, in an hour; the others are counted. */
export const REGISTRATION_REFUSALS_TOLD_PER_HOUR = 30;
export const CLIENTS_APPROVED_MAX = 200;
/**
 * Where there are that many, one that registered by itself makes room: the one that was connected the longest time ago, if that is
 * as long as the consent page offers first, and it is not of those that were approved last.
 */
export const CLIENT_UNCONNECTED_MS = 30 * 86_400_000;
export const CLIENTS_APPROVED_LATEST_KEPT = 50;
/** Revoked clients that are still listed, the latest. */
export const CLIENTS_REVOKED_KEPT_MAX = 100;
export const CLIENT_NAME_LENGTH_MAX = 80;
export const CLIENT_REDIRECTS_MAX = 10;
export const CLIENT_URI_LENGTH_MAX = 500;
/** The last use of a client is written at most this often. */
export const CLIENT_USE_SAVE_INTERVAL_MS = 60_000;
/** Grants that one look lists. */
export const GRANTS_LISTED_MAX = 500;

/** Lives of consents: the owner chooses one of 1 to 180 days. */
export const GRANT_TTL_MAX_MS = 180 * 86_400_000;
/** Grants that are over are shown for this long; the record tells of them for ever. */
export const GRANT_KEPT_MS = 180 * 86_400_000;
/** A grant's and its client's last use is written at most this often. */
export const GRANT_USE_SAVE_INTERVAL_MS = 60_000;
/** What has ended by itself is written down this often, and soon after a kill. */
export const GRANT_SWEEP_INTERVAL_MS = 3_600_000;
export const GRANT_SWEEP_AFTER_KILL_MS = 1_000;
/**
 * A grant that no code and no refresh token belongs to any more has lapsed, this long after its consent: a browser may be on its way
 * back with the consent for as long as its page lives, and then with a code.
 */
export const GRANT_LAPSES_AFTER_MS = 2 * 3_600_000;
/** A longer bearer is nobody's token: ours have about 900 characters. */
export const ACCESS_TOKEN_LENGTH_MAX = 4_096;
export const ACCESS_TOKEN_TTL_MAX_SECONDS = 3_600;
export const ACCESS_TOKEN_TTL_MAX_MS = ACCESS_TOKEN_TTL_MAX_SECONDS * 1_000;
/** Tokens just let in, and tokens whose signature was found good. */
export const ACCESS_TOKENS_REMEMBERED_MAX = 1_000;
/** A signing key signs for this long. */
export const SIGNING_KEY_TTL_MS = 90 * 86_400_000;
/** A retired one verifies for as long as any token of it can live, and a minute for clocks. */
export const SIGNING_KEY_KEPT_MS = ACCESS_TOKEN_TTL_MAX_MS + 60_000;
export const SIGNING_KEY_LOOK_INTERVAL_MS = 3_600_000;
/** Who rotates on and on ends the oldest early. */
export const SIGNING_KEYS_MAX = 10;
/** Pages of an authorization whose first answer is remembered, so that the same form twice is one answer. */
export const INTERACTIONS_ANSWERED_MAX = 1_000;

/** Of a form to the token or revocation endpoint; the longest has a code, a verifier and a redirect address. */
export const OAUTH_BODY_BYTES_MAX = 16 * 1024;
/** A request for authorization waits this long for the owner, and so does who has signed in to it. */
export const INTERACTION_TTL_SECONDS = 3_600;
/** What tells one browser from another there outlives every page that it began. */
export const BROWSER_MARK_TTL_SECONDS = 2 * INTERACTION_TTL_SECONDS;
/**
 * Requests for authorization that wait, those of approved clients and those of all others each; and those of them that one network
 * or IPv6 site (/48) may have begun.
 */
export const INTERACTIONS_MAX = 1_000;
export const INTERACTIONS_PER_NETWORK_MAX = 30;
export const INTERACTIONS_PER_SITE_MAX = 90;
/** Lines on the record in an hour about what each client was refused, and strangers together; the others are counted. */
export const OAUTH_REFUSALS_TOLD_PER_HOUR = 60;
/** Clients of which that is known apart. */
export const OAUTH_REFUSALS_CLIENTS_MAX = 500;
/** A refresh token may come a second time within this, of a grant that only reads: processes of one client share it. */
export const REFRESH_GRACE_MS = 60_000;
/** Used refresh tokens that are kept of a grant, to know one that comes again: a month of renewals; those before go by the hundred. */
export const REFRESH_TOKENS_KEPT_MAX = 3_000;
export const REFRESH_TOKENS_FORGOTTEN_EVERY = 100;
/** What is dead among codes, tokens and interactions is deleted this often, this many rows at a time. */
export const OAUTH_PURGE_INTERVAL_MS = 3_600_000;
export const OAUTH_PURGE_ROWS_MAX = 10_000;

/** Of one answer of a broker, and of one message on its streams; a list of instruments is asked for with a bound of its own. */
export const BROKER_ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** How long an order may wait for its turn at a broker: shorter than anybody waits for its outcome, so that none leaves later. */
export const WIRE_QUEUE_WAIT_MS = 4_000;
/** A broker that asks to wait longer is asked again after this. */
export const BROKER_PUT_OFF_MAX_MS = 600_000;
/** Connections to one broker of one account, and how long one that is not used is kept. */
export const BROKER_SOCKETS_MAX = 16;
export const BROKER_SOCKET_IDLE_MS = 15_000;
/** Opening a stream of a broker, whatever it takes: its address, the connection, the greeting. */
export const LIVE_SOCKET_OPEN_TIMEOUT_MS = 15_000;
/** What waits to be sent on a stream; a broker that reads no more is as good as gone. */
export const LIVE_SOCKET_UNSENT_BYTES_MAX = 1024 * 1024;

/** An answer of an exchange through ccxt: the list of instruments of the largest comes in one. */
export const CCXT_ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Over how long the rate that ccxt publishes of an exchange is kept. */
export const CCXT_BUDGET_WINDOW_MS = 60_000;
/** How long nothing goes to an exchange that asked for less without saying how long. */
export const CCXT_PUT_OFF_MS = 10_000;
/** Requests of each kind that wait for their turn at one exchange. */
export const CCXT_QUEUE_MAX = 200;
/** Addresses that one exchange is asked under. */
export const CCXT_HOSTS_MAX = 12;
/** Characters of what a broker gave as its reason. */
export const BROKER_REASON_LENGTH_MAX = 300;
/** How often an exchange is asked for orders and trades, whatever its streams said; and while they are not open. */
export const CCXT_LOOK_INTERVAL_MS = 60_000;
export const CCXT_LOOK_WITHOUT_STREAM_MS = 5_000;
/** After something was heard on a stream, so that many messages cost one question. */
export const CCXT_LOOK_AFTER_MS = 1_000;
/** Between two tries to connect, doubling. */
export const CCXT_RETRY_FIRST_MS = 1_000;
export const CCXT_RETRY_MAX_MS = 60_000;
/** Instruments that an account remembers to have traded, whose histories it asks for where an exchange tells them one by one. */
export const CCXT_SYMBOLS_REMEMBERED_MAX = 100;
/** How often the history of one is read in which nothing was going on. */
export const CCXT_QUIET_LIST_INTERVAL_MS = 600_000;
/** Orders whose ids are kept by both names. */
export const CCXT_ORDERS_REMEMBERED_MAX = 20_000;
/** How far back trades are asked for again, against those that an exchange lists late; those that were told are known by their ids. */
export const CCXT_TRADES_OVERLAP_MS = 60_000;
/** Questions that one look into a history may cost, before it goes on the next time. */
export const CCXT_HISTORY_REQUESTS_MAX = 40;
/** Instruments whose prices one account streams; and those that are asked for by one question. */
export const CCXT_FOLLOWED_MAX = 200;
/** Listings in one page of a directory. */
export const CCXT_LISTINGS_PER_PAGE = 500;
/** How long an account waits for its stream of orders before it is used without. */
export const CCXT_STREAM_OPEN_WAIT_MS = 10_000;
/** How long what a stream says of an order, and another of its trades, is gathered. */
export const CCXT_ORDERS_AFTER_TRADES_MS = 20;
/** A stream of an exchange is pinged, and one on which nothing at all was heard for so long is dropped. */
export const CCXT_PING_INTERVAL_MS = 5_000;
export const CCXT_SILENCE_MAX_MS = 20_000;
/** Shorter than anybody waits for a call. */
export const CCXT_CALL_TIMEOUT_MS = 9_000;
/** How often quotes are asked for where an exchange has no stream of them. */
export const CCXT_QUOTES_INTERVAL_MS = 5_000;

/** Kite Connect (Zerodha): a call from its turn to its last byte, shorter than anybody waits for its outcome. */
export const KITE_CALL_TIMEOUT_MS = 5_500;
/** Requests of a kind that wait for their turn there. */
export const KITE_QUEUE_MAX = 200;
/** How long nothing is asked after a 429 that names no time. */
export const KITE_THROTTLE_HOLD_MS = 1_000;
/** Of what Kite says about a refusal, characters. */
export const KITE_REASON_CHARS_MAX = 300;
/** One exchange's list of instruments: the largest has some fifty thousand rows of a hundred bytes. */
export const KITE_DUMP_BYTES_MAX = 48 * 1024 * 1024;
/** Megabytes may take longer than any answer that somebody waits for. */
export const KITE_DUMP_TIMEOUT_MS = 60_000;
export const KITE_DUMP_ROWS_MAX = 400_000;
export const KITE_DUMP_PAGE_ROWS = 1_000;
/** Instruments on one stream, as published. */
export const KITE_FOLLOWED_MAX = 3_000;
/** Instruments in one question for quotes, as published. */
export const KITE_QUOTES_MAX = 500;
/** The heartbeat comes every few seconds; so long without one, the stream is dead. */
export const KITE_STREAM_SILENCE_MAX_MS = 10_000;
export const KITE_STREAM_PING_MS = 4_000;
export const KITE_STREAM_BACKOFF_FIRST_MS = 1_000;
export const KITE_STREAM_BACKOFF_MAX_MS = 30_000;
/** How long before the daily end of its session the owner is told. */
export const KITE_SESSION_WARNING_MS = 3_600_000;
/** Orders that an account remembers by both ids; the oldest is forgotten first. */
export const KITE_IDS_MAX = 500;
/** Orders of the day whose newest word is kept, those of others included. */
export const KITE_ORDERS_KEPT_MAX = 6_000;
/** A young order that is nobody's is looked for among what triggers placed this often at most. */
export const KITE_PARENT_LOOK_MS = 1_000;
/** After so long an order that Kite does not list has not arrived. */
export const KITE_ABSENT_IS_FINAL_MS = 30_000;
/** How far Kite's clock may be from ours where a trigger is recognised by when it was made. */
export const KITE_CLOCK_SKEW_MS = 120_000;
/** A fill may be listed so much later than one that came after it. */
export const KITE_HISTORY_OVERLAP_MS = 120_000;
/** Questions for candles that one question for bars may take. */
export const KITE_CANDLE_REQUESTS_MAX = 5;

/** So much of a coin that is held, a difference to the broker's is taken for a fee in the coin itself: above any published rate. */
export const IN_KIND_FEE_MAX_PERCENT = '1';
/** A fee that a broker takes at the end of the day is there by then. */
export const IN_KIND_FEE_TAKEN_WITHIN_MS = 36 * 3_600_000;
