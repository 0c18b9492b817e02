/** Pages that anybody may see: templates of views/ with escaping always on. */
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';
import nunjucks from 'nunjucks';

const VIEWS_FOLDER = fileURLToPath(new URL('../../views/', import.meta.url));

/** Nothing from elsewhere, no inline script or style, no frame around it; a form never leaves the page. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

export interface Views {
  /** Throws where a template is wrong or misses a value: a page is whole or it is a bug. */
  render(template: string, context: object): string;
  /** With the policy that lets a page load nothing but its own assets. */
  sendPage(reply: FastifyReply, html: string): FastifyReply;
}

export function openViews(): Views {
  const templates = new nunjucks.Environment(new nunjucks.FileSystemLoader(VIEWS_FOLDER), {
    autoescape: true,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  return {
    render: (template, context) => templates.render(template, context),
    sendPage(reply, html) {
      return reply
        .headers({
          'content-security-policy': PAGE_POLICY,
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-store',
        })
        .type('text/html; charset=utf-8')
        .send(html);
    },
  };
}
