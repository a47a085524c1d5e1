// Work of the example service in Node: the twin of shop.py.
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function work(route, item = 1) {
  await pause(route === "/slow" ? 200 + 200 * Math.random() : 2 + 10 * Math.random());
  if (route === "/fail") throw Object.assign(new Error("the backend does not answer"), { status: 500 });
  if (item === 0) throw Object.assign(new Error("no item 0"), { status: 404 });
  return { route, item };
}

// Routes as both frameworks write them, and what each is called in shop.py.
const gets = [["/items/:item", "/items"], ["/search", "/search"], ["/slow", "/slow"], ["/fail", "/fail"]];

function addExpressRoutes(app) {
  for (const [path, route] of gets) {
    app.get(path, async (request, response) => {
      try {
        response.json(await work(route, Number(request.params.item ?? 1)));
      } catch (error) {
        response.status(error.status).json({});
      }
    });
  }
  app.post("/orders", async (request, response) => {
    try {
      response.json(await work("/orders", request.body.item));
    } catch (error) {
      response.status(error.status).json({});
    }
  });
}

module.exports = { work, gets, addExpressRoutes };
