/** Files that pages load: those of views/static/ and of its vendor folder, read and compressed once, served by their bare name. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { nothingHere, sendProblem } from './problem.ts';

const STATIC_FOLDER = fileURLToPath(new URL('../../views/static/', import.meta.url));

/** Other files of the folders (licences, the lock of what was vendored) are not served. */
const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

interface Asset {
  readonly type: string;
  /** Of its content: in addresses, and in the tag of either form. */
  readonly hash: string;
  readonly content: Buffer;
  readonly gzipped: Buffer;
}

export interface Assets {
  /** `console.css?v=…`: under this address it may be kept for ever. Throws for a name that there is not. */
  versioned(name: string): string;
  /** What is not in the folders is a JSON 404. */
  send(request: FastifyRequest, reply: FastifyReply, name: string): FastifyReply;
}

export function openAssets(): Assets {
  const assets = new Map([...filesOf(STATIC_FOLDER), ...filesOf(join(STATIC_FOLDER, 'vendor'))]);
  return {
    versioned(name) {
      const asset = assets.get(name);
      if (asset === undefined) throw new Error(`there is no asset ${name}`);
      return `${name}?v=${asset.hash}`;
    },
    send(request, reply, name) {
      const asset = assets.get(name);
      if (asset === undefined) return sendProblem(reply, nothingHere());
      const gzip = acceptsGzip(request.headers['accept-encoding']);
      // RFC 9110 section 8.8.3.3: another coding is another representation, and a strong tag is of one of them.
      const etag = `"${asset.hash}${gzip ? '-gz' : ''}"`;
      const named = Reflect.get(request.query ?? {}, 'v') === asset.hash;
      void reply.headers({
        etag,
        vary: 'accept-encoding',
        // Without its version it is asked about each time, and sent once.
        'cache-control': named ? 'private, max-age=31536000, immutable' : 'private, no-cache',
      });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      if (gzip) void reply.header('content-encoding', 'gzip');
      return reply.type(asset.type).send(gzip ? asset.gzipped : asset.content);
    },
  };
}

/** By name alone, so that no address leads out of the folder. */
function filesOf(folder: string): readonly (readonly [string, Asset])[] {
  return readdirSync(folder).flatMap((name) => {
    const type = CONTENT_TYPES.get(extname(name));
    if (type === undefined) return [];
    const content = readFileSync(join(folder, name));
    const hash = createHash('sha256').update(content).digest('base64url').slice(0, 22);
    return [[name, { type, hash, content, gzipped: gzipSync(content, { level: 9 }) }]];
  });
}

/** RFC 9110 section 12.5.3, as far as browsers use it: named, and not with weight 0. */
const acceptsGzip = (header: string | string[] | undefined): boolean =>
  String(header ?? '')
    .split(',')
    .some((coding) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(coding));
