/** The security headers of the console's pages. */
import type { FastifyHelmetOptions } from '@fastify/helmet';

/** Nothing from elsewhere; only scripts and styles that carry the nonce of this very answer; no frame, no base, no plug-in. */
export const HELMET: FastifyHelmetOptions = {
  enableCSPNonces: true,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': [],
      'style-src': [],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'form-action': ["'self'"],
      'base-uri': ["'none'"],
      'object-src': ["'none'"],
      'frame-ancestors': ["'none'"],
      // Text becomes markup in one place, htmx's morph, under the one policy that console.js makes for it.
      'require-trusted-types-for': ["'script'"],
      'trusted-types': ['portcullis'],
    },
  },
  // A POST then names its origin, and nothing of an address leaves the console.
  referrerPolicy: { policy: 'same-origin' },
  xFrameOptions: { action: 'deny' },
  crossOriginOpenerPolicy: { policy: 'same-origin' },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  // On loopback there is no TLS to insist on, and a proxy with TLS says it for its own host.
  strictTransportSecurity: false,
};
