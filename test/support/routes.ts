/** Every route that an app has registered, so that a test can walk them all. */
import type { FastifyInstance } from 'fastify';

export interface Route {
  readonly method: string;
  /** With something in the place of each parameter. */
  readonly path: string;
}

/** Reads the tree that Fastify prints of itself: four columns a level, the methods in parentheses. */
export function routesOf(app: FastifyInstance): readonly Route[] {
  const above: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const found = /^(?<indent>[│├└─\s]*)(?<part>\/?\S*) \((?<methods>[A-Z, ]+)\)$/.exec(line)?.groups;
      if (!found) return [];
      const depth = (found['indent']?.length ?? 0) / 4;
      above.length = depth;
      above[depth] = found['part'] ?? '';
      const path = above.join('').replaceAll(/:\w+/g, 'x');
      return (found['methods'] ?? '').split(', ').map((method) => ({ method, path }));
    });
}
