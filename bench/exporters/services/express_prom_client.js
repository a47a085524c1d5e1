// Express with prom-client by hand: default metrics and one histogram, as its README's example does.
const express = require("express");
const client = require("prom-client");
const { addExpressRoutes } = require("./shop");

client.collectDefaultMetrics();
const duration = new client.Histogram({
  name: "http_request_duration_ms",
  help: "Duration of HTTP requests in ms",
  labelNames: ["method", "route", "code"],
  buckets: [1, 5, 15, 50, 100, 200, 300, 400, 500],
});

const app = express();
app.use(express.json());
app.use((request, response, next) => {
  const begin = process.hrtime.bigint();
  response.on("finish", () => {
    const route = request.route ? request.route.path : "unmatched";
    duration.labels(request.method, route, response.statusCode).observe(Number(process.hrtime.bigint() - begin) / 1e6);
  });
  next();
});
app.get("/metrics", async (request, response) => {
  response.set("Content-Type", client.register.contentType).end(await client.register.metrics());
});
addExpressRoutes(app);
app.listen(Number(process.argv[2]), "127.0.0.1");
