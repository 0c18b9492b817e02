/** How deep and how long a JSON text is, found out before anything is built from it: libraries walk values by recursion. */

export interface JsonBounds {
  readonly depthMax: number;
  /** Of lists and objects together: what a value lists is one more than its commas. */
  readonly commasMax: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
/** `[` and `{`, `]` and `}` differ in this bit alone. */
const BRACE_BIT = 0x20;
const OPENING = 0x5b;
const CLOSING = 0x5d;

/** One pass over the characters; what stands in strings counts for nothing. A text that is no JSON gets some answer. */
export function exceedsBounds(text: string, { depthMax, commasMax }: JsonBounds): boolean {
  let depth = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA && ++commas > commasMax) return true;
    else if ((code & ~BRACE_BIT) === OPENING && ++depth > depthMax) return true;
    else if ((code & ~BRACE_BIT) === CLOSING) depth--;
  }
  return false;
}

/** Where the string that begins here ends; the end of the text when it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}
