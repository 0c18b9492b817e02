/** Which methods a path has, so that a wrong one is told apart from nothing being there. */
import type { FastifyInstance } from 'fastify';

export interface KnownPaths {
  /** Upper case, sorted; empty: there is nothing at this path. */
  methodsAt(path: string): readonly string[];
}

/** Sees every route that is added after it. */
export function knownPaths(app: FastifyInstance): KnownPaths {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const literal = url.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    const pattern = new RegExp(`^${literal.replaceAll(/:\w+/g, '[^/]+')}$`);
    routes.push({ pattern, methods: [method].flat() });
  });
  return {
    methodsAt: (path) =>
      [
        ...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods)),
      ].sort(),
  };
}
