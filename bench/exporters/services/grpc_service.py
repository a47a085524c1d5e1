"""gRPC server with py-grpc-prometheus; as a second command, the load on it.

The methods are registered by hand, with bytes as messages: no generated code is needed.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import shop
from prometheus_client import start_http_server
from py_grpc_prometheus.prometheus_server_interceptor import PromServerInterceptor

METHODS = ("GetItem", "Search", "Slow", "Fail")


def handler(method: str) -> grpc.RpcMethodHandler:
    def serve(message: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            shop.work("/" + method.lower(), int(message or b"1"))
        except shop.UnknownItemError:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such item")
        except shop.BackendError:
            context.abort(grpc.StatusCode.INTERNAL, "backend")
        return b"done"

    return grpc.unary_unary_rpc_method_handler(serve)


def serve_forever(port: int, metrics_port: int) -> None:
    interceptor = PromServerInterceptor(enable_handling_time_histogram=True)
    server = grpc.server(ThreadPoolExecutor(4), interceptors=(interceptor,))
    handlers = {method: handler(method) for method in METHODS}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Shop", handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    start_http_server(metrics_port, "127.0.0.1")
    server.start()
    server.wait_for_termination()


def load_forever(port: int) -> None:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    calls = ("GetItem", "GetItem", "Search", "GetItem", "Slow", "Fail")
    for number in range(100_000):
        method = calls[number % len(calls)]
        try:
            channel.unary_unary(f"/shop.Shop/{method}")(b"%d" % (number % 9))
        except grpc.RpcError:
            time.sleep(0.1)
        time.sleep(0.05)


if __name__ == "__main__":
    if sys.argv[1] == "load":
        load_forever(int(sys.argv[2]))
    else:
        serve_forever(int(sys.argv[1]), int(sys.argv[2]))
