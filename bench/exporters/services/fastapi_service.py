"""FastAPI with prometheus-fastapi-instrumentator, as its README sets it up."""

import sys

import shop
import uvicorn
from fastapi import FastAPI, HTTPException
from prometheus_fastapi_instrumentator import Instrumentator

app = FastAPI()
Instrumentator().instrument(app).expose(app)


def reply(route: str, item: int = 1) -> dict[str, object]:
    try:
        return shop.work(route, item)
    except shop.UnknownItemError as error:
        raise HTTPException(404) from error
    except shop.BackendError as error:
        raise HTTPException(500) from error


@app.get("/items/{item}")
def read_item(item: int) -> dict[str, object]:
    return reply("/items", item)


@app.get("/search")
def search() -> dict[str, object]:
    return reply("/search")


@app.get("/slow")
def slow() -> dict[str, object]:
    return reply("/slow")


@app.get("/fail")
def fail() -> dict[str, object]:
    return reply("/fail")


@app.post("/orders")
def order(body: dict[str, int]) -> dict[str, object]:
    return reply("/orders", body["item"])


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
