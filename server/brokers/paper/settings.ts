/** Settings of a paper account, and the three presets as data: how hard its market is. */
import { z } from 'zod';
import { isDecimalText } from '#domain/decimal.ts';

export const PRESETS = ['friendly', 'realistic', 'hostile'] as const;
export type Preset = (typeof PRESETS)[number];

/** `live:<account>`: what that account's broker quotes; `public:<exchange>`: an exchange that needs no account for it. */
const MARKET_PATTERN = /^(?:tape|live:[A-Za-z0-9._-]{1,64}|public:[a-z0-9]{2,40})$/;

export const paperSettings = z.strictObject({
  preset: z.enum(PRESETS),
  /** Every draw of the account follows from it: same tape and seed, same journal. */
  seed: z.int(),
  /** The opening deposit, in the tape's quote currency. */
  cash: z
    .string()
    .refine((text) => isDecimalText(text) && !text.startsWith('-'), 'a decimal string that is not negative'),
  accountType: z.enum(['cash', 'margin']),
  /** What it trades on; the tape when absent. For as long as the account lives: its instruments are of that market. */
  market: z.string().regex(MARKET_PATTERN, 'tape, live:<account> or public:<exchange>').optional(),
});
export type PaperSettings = z.output<typeof paperSettings>;

/** What the hostile venue gets wrong, chances in percent. Its books are right: only what it says about them is not. */
export interface Faults {
  readonly rejectPercent: number;
  /** The request never reached the venue, and the caller is told nothing. */
  readonly requestLostPercent: number;
  /** The venue did it, and the caller is told nothing. */
  readonly answerLostPercent: number;
  readonly queryFailsPercent: number;
  readonly eventRepeatedPercent: number;
  readonly eventDelayedPercent: number;
  /** A delayed event arrives up to so many deliveries later. */
  readonly eventDelayMax: number;
}

export interface PaperRules {
  /** Steps an order waits before it can meet one, on top of the rule that it only meets newer ones. */
  readonly latencySteps: { readonly min: number; readonly max: number };
  /**
   * `penetrate`: a resting limit needs the far side at its price, which on a tape of trades means that they went
   * through it. `touch`: a trade at the limit is enough.
   */
  readonly limitFills: 'penetrate' | 'touch';
  /** Whether an order can take no more than what is displayed. */
  readonly displayedSize: boolean;
  /** Chance in percent that only a part of what could be taken is. */
  readonly partialPercent: number;
  /** Volume-share slippage of market orders. */
  readonly slippage: boolean;
  readonly faults: Faults | null;
}

export const PRESET_RULES: { readonly [preset in Preset]: PaperRules } = {
  friendly: {
    latencySteps: { min: 0, max: 0 },
    limitFills: 'touch',
    displayedSize: false,
    partialPercent: 0,
    slippage: false,
    faults: null,
  },
  realistic: {
    latencySteps: { min: 1, max: 2 },
    limitFills: 'penetrate',
    displayedSize: true,
    partialPercent: 20,
    slippage: true,
    faults: null,
  },
  hostile: {
    latencySteps: { min: 1, max: 4 },
    limitFills: 'penetrate',
    displayedSize: true,
    partialPercent: 40,
    slippage: true,
    faults: {
      rejectPercent: 5,
      requestLostPercent: 5,
      answerLostPercent: 15,
      queryFailsPercent: 10,
      eventRepeatedPercent: 20,
      eventDelayedPercent: 20,
      eventDelayMax: 3,
    },
  },
};

export const PAPER_MARKET_TAPE = 'tape';
export type PaperMarketSource =
  | { readonly kind: typeof PAPER_MARKET_TAPE }
  | { readonly kind: 'live'; readonly account: string }
  | { readonly kind: 'public'; readonly exchange: string };

/** What an account with these settings trades on; settings that can not be read are the tape's, and are refused elsewhere. */
export function paperMarketOf(settings: unknown): PaperMarketSource {
  const read = paperSettings.safeParse(settings);
  const { market = PAPER_MARKET_TAPE } = read.success ? read.data : {};
  const [kind, of = ''] = market.split(/:(.*)/s);
  if (kind === 'live') return { kind, account: of };
  if (kind === 'public') return { kind, exchange: of };
  return { kind: PAPER_MARKET_TAPE };
}
