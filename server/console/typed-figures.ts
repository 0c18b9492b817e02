/** Figures as people type them: a comma stands between whole groups of three, or the figure is asked for again, never guessed. */
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { nearestDecimal } from '#tools/near-decimal.ts';

/** `1,400.25` or `1 400.25`; the same mark all the way. */
const GROUPED = /^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$|^-?\d{1,3}(?:\s\d{3})+(?:\.\d+)?$/;

/** Without its commas where they stand right; anything else as it is, for the rule of its field to refuse. */
export function ungrouped(given: string): string {
  const figure = given.trim();
  return GROUPED.test(figure) ? figure.replaceAll(/[,\s]/g, '') : figure;
}

/** Without a comma taken out where it might be one before decimals: 1400,25 would be a hundred times as much. */
export function typedFigures<T extends Readonly<Record<string, string>>>(
  typed: T,
): Result<{ readonly [field in keyof T]: string }, Refusal> {
  const figures = Object.fromEntries(
    Object.entries(typed).map(([field, given]) => [field, ungrouped(given)]),
  ) as { readonly [field in keyof T]: string };
  const errors = Object.entries(figures).flatMap(([field, figure]) => wrong(field, figure));
  return errors.length === 0
    ? ok(figures)
    : err(refuse('invalid_input', 'Nothing was changed; see the fields.', { errors }));
}

function wrong(field: string, figure: string): readonly FieldError[] {
  if (!/\d[,\s]|[,\s]\d/.test(figure)) return [];
  const meant = nearestDecimal(figure, 'money');
  const rule = 'commas only between thousands, and a point before decimals: ';
  return [fieldError(field, figure, `${rule}${meant === null ? 'such as 1,400.25' : `write ${meant}`}`)];
}
