/** Why a mandate was refused, at the fields of its form and in words for who fills it in, not for who writes the file. */
import { type FieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { LIMIT_FIELDS } from './mandate-form.ts';

/** Of the document; an entry of a list belongs to the field of the list. */
const FORM_FIELDS: Readonly<Record<string, string>> = {
  'trading_hours.timezone': 'hours_timezone',
  'trading_hours.days': 'hours_days',
  'trading_hours.from': 'hours_from',
  'trading_hours.to': 'hours_to',
  'approval.above': 'approval_above',
};

const AMOUNT = 'an amount of 0 or more, such as 1000 or 0.5';
const TICK = 'choose one or more';
const RULES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    LIMIT_FIELDS.map(({ name, unit }) => [
      name,
      unit === 'count' ? 'a whole number from 0 to 1,000,000' : AMOUNT,
    ]),
  ),
  approval_above: AMOUNT,
  sides: TICK,
  order_types: TICK,
  asset_classes: TICK,
  hours_days: TICK,
  hours_timezone: 'a time zone such as Europe/Berlin',
  hours_from: 'a time such as 09:00',
  hours_to: 'a time such as 17:30',
  trading_hours: 'From is earlier than To, within one day',
  expires_at: 'a day and a time that there is, or nothing',
};

export function inFormWords(refusal: Refusal): Refusal {
  const errors = (refusal.errors ?? []).map(atFormField);
  const [first] = errors;
  if (first === undefined) return refusal;
  const fields = new Set(errors.map(({ field }) => field)).size;
  const { did_you_mean } = refusal;
  return refuse(
    refusal.reason,
    fields === 1
      ? 'The mandate was not saved: one field is not right yet.'
      : `The mandate was not saved: ${fields} fields are not right yet.`,
    { errors, ...(did_you_mean === undefined ? {} : { did_you_mean }) },
  );
}

function atFormField(error: FieldError): FieldError {
  if (error.field === 'tests' || error.field.startsWith('tests.')) return atTests(error);
  const ofList = error.field.replace(/\.\d+$/, '');
  const field = FORM_FIELDS[ofList] ?? ofList;
  return { ...error, field, rule: ruleOf(field, error) };
}

/** All of them are one field of the form; which one it is stands in the words, counted as people do. */
function atTests(error: FieldError): FieldError {
  const [, index, ...within] = error.field.split('.');
  if (index === undefined || !/^\d+$/.test(index))
    return { ...error, field: 'tests', rule: 'a JSON list of tests, or nothing' };
  const where = within.length === 0 ? '' : `, ${within.join(' ').replaceAll('_', ' ')}`;
  return { ...error, field: 'tests', rule: `test ${Number(index) + 1}${where}: ${error.rule}` };
}

function ruleOf(field: string, { field: given, rule }: FieldError): string {
  // Of a symbol or an account that there is none of, the refusal says more than the rule does.
  if (given.startsWith('symbols.') || given.startsWith('accounts.')) return rule;
  if (field === 'accounts') return rule.startsWith('accounts of one currency') ? rule : TICK;
  if (field === 'symbols') return 'symbols of the feed, each once, separated by commas, or * alone';
  return RULES[field] ?? rule;
}
