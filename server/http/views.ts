/** Pages and their assets: templates of views/ with escaping always on, files of views/static/ read once at start. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';
import nunjucks from 'nunjucks';
import { nothingHere, sendProblem } from './problem.ts';

const VIEWS_FOLDER = fileURLToPath(new URL('../../views/', import.meta.url));

/** Nothing from elsewhere, no inline script or style, no frame around it; a form never leaves the page. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

interface Asset {
  readonly content: Buffer;
  readonly type: string;
  readonly etag: string;
}

export interface Views {
  /** Throws where a template is wrong or misses a value: a page is whole or it is a bug. */
  render(template: string, context: object): string;
  /** With the policy that lets a page load nothing but its own assets. */
  sendPage(reply: FastifyReply, html: string): FastifyReply;
  /** An asset by its bare name; what is not in the folder is a JSON 404. */
  sendAsset(request: FastifyRequest, reply: FastifyReply, name: string): FastifyReply;
}

export function openViews(): Views {
  const templates = new nunjucks.Environment(new nunjucks.FileSystemLoader(VIEWS_FOLDER), {
    autoescape: true,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  const assets = readAssets(join(VIEWS_FOLDER, 'static'));
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
    sendAsset(request, reply, name) {
      const asset = assets.get(name);
      if (asset === undefined) return sendProblem(reply, nothingHere());
      // Asked about each time, sent once: a new version shows at once, an old one costs no bytes.
      void reply.headers({ etag: asset.etag, 'cache-control': 'private, no-cache' });
      if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
      return reply.type(asset.type).send(asset.content);
    },
  };
}

/** Looked up by name alone, so that no address leads out of the folder. */
function readAssets(folder: string): ReadonlyMap<string, Asset> {
  return new Map(
    readdirSync(folder).map((name) => {
      const content = readFileSync(join(folder, name));
      const type = CONTENT_TYPES.get(extname(name));
      if (type === undefined) throw new Error(`views/static/${name} has no content type`);
      const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
      return [name, { content, type, etag }];
    }),
  );
}
