// Express under OpenTelemetry's HTTP instrumentation, read through its Prometheus exporter.
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { PrometheusExporter } = require("@opentelemetry/exporter-prometheus");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { ExpressInstrumentation } = require("@opentelemetry/instrumentation-express");

const sdk = new NodeSDK({
  serviceName: "shop",
  metricReaders: [new PrometheusExporter({ host: "127.0.0.1", port: Number(process.argv[3]) })],
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()],
});
sdk.start();

const express = require("express");
const { addExpressRoutes } = require("./shop");

const app = express();
app.use(express.json());
addExpressRoutes(app);
app.listen(Number(process.argv[2]), "127.0.0.1");
