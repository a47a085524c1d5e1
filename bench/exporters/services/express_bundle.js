// Express with express-prom-bundle: its middleware with method and path.
const express = require("express");
const bundle = require("express-prom-bundle");
const { addExpressRoutes } = require("./shop");

const app = express();
app.use(bundle({ includeMethod: true, includePath: true, includeUp: true }));
app.use(express.json());
addExpressRoutes(app);
app.listen(Number(process.argv[2]), "127.0.0.1");
