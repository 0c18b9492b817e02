// docs/refusals.md, from the closed union of reasons and what each means.

import { isReserved, REFUSAL_GUIDE, refusalGroups } from '#domain/refusal-guide.ts';

const HEAD = `# Refusals

<!-- Made from the code by \`npm run docs\`; a test compares. -->

The gateway *refuses*, a broker *rejects*. A refusal is one object, through every door: over MCP as \`structuredContent\` with \`isError\`, over REST as \`application/problem+json\` under its own HTTP status.

\`\`\`json
{
  "type": "urn:portcullis:refusal:max_order_value",
  "title": "Max order value",
  "status": 422,
  "detail": "Value of one order: at most 10000 USD, this order 12814.0515; take a smaller quantity.",
  "reason": "max_order_value",
  "retry_safe": true,
  "limits": [{"limit": "max_order_value", "used": "0", "order": "12814.0515", "max": "10000", "unit": "USD"}]
}
\`\`\`

| field | what it is for |
| --- | --- |
| \`reason\` | one of the list below, for programs to branch on; the list is closed and names never change |
| \`detail\` | one sentence for a person, with what to do next |
| \`retry_safe\` | \`true\`: repeating the same key and arguments cannot make a second order. \`false\` only where a fault came while the gateway was acting: look with \`verify_with\` before anything else |
| \`errors\` | the wrong fields: \`field\`, \`value\`, \`rule\`, and \`nearest\`, the nearest right value, or null |
| \`did_you_mean\` | right values instead of the one given |
| \`limits\` | the limit that would be broken: \`used\`, \`order\`, \`max\`, \`unit\` |
| \`retry_after\` | seconds to wait; over HTTP also the header \`Retry-After\` |
| \`verify_with\` | the tool that shows how things really are |
| \`order_id\` | the order it is about |

Every field after \`retry_safe\` is there only where it applies. Over MCP a call is answered under HTTP status 200 whatever the refusal says, except what concerns the caller itself: 401, a missing scope or a forbidden address (403), and too many requests from one address (429).

A refusal at a status below is never a reason to send the order in another way: it is the owner's word, or the market's.
`;

export function refusalsPage(): string {
  const parts = [HEAD];
  for (const { status, words, reasons } of refusalGroups()) {
    parts.push(`## ${status}\n\n${words}\n`);
    for (const reason of reasons) {
      const { meaning, remedy } = REFUSAL_GUIDE[reason];
      parts.push(
        `### ${reason}\n\n${isReserved(reason) ? meaning : `${meaning}\n\n*What to do:* ${remedy}`}\n`,
      );
    }
  }
  return parts.join('\n');
}
