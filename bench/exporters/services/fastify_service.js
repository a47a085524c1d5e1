// Fastify with fastify-metrics: a histogram and a summary of every route.
const fastify = require("fastify")();
const metrics = require("fastify-metrics");
const { work, gets } = require("./shop");

const answer = async (reply, route, item) => {
  try {
    return await work(route, item);
  } catch (error) {
    return reply.code(error.status).send({});
  }
};

async function main() {
  await fastify.register(metrics, { endpoint: "/metrics" });
  for (const [path, route] of gets) {
    fastify.get(path, (request, reply) => answer(reply, route, Number(request.params.item ?? 1)));
  }
  fastify.post("/orders", (request, reply) => answer(reply, "/orders", request.body.item));
  await fastify.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
}
main();
