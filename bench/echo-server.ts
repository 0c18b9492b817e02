/** The yardstick of the doors: Fastify with nothing on it, which sends back the JSON it was sent. */
import Fastify from 'fastify';

const app = Fastify();
app.post('/echo', async (request, reply) => reply.send(request.body));
console.log(`Listens on ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
process.once('SIGTERM', () => void app.close());
