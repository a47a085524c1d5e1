"""Django with django-prometheus: middleware, model counters and an instrumented SQLite database."""

import sys

import django
import shop
from django.conf import settings
from django.core.management import call_command, execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

DATABASE = {"ENGINE": "django_prometheus.db.backends.sqlite3", "NAME": "shop.sqlite3"}
CACHE = {"BACKEND": "django_prometheus.cache.backends.locmem.LocMemCache"}
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of an example",  # noqa: S106
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_prometheus"],
    MIDDLEWARE=[
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ],
    DATABASES={"default": DATABASE},
    CACHES={"default": CACHE},
)
django.setup()


def serve(request: HttpRequest, item: int = 1) -> JsonResponse:
    from django.contrib.auth.models import User
    from django.core.cache import cache

    cache.get_or_set("users", User.objects.count, 5)
    User.objects.filter(pk=item).exists()
    try:
        return JsonResponse(shop.work("/" + request.path.split("/")[1], item))
    except shop.UnknownItemError:
        return JsonResponse({}, status=404)


urlpatterns = [
    path("items/<int:item>", serve, name="items"),
    path("search", serve, name="search"),
    path("slow", serve, name="slow"),
    path("fail", serve, name="fail"),
    path("orders", serve, name="orders"),
    path("", include("django_prometheus.urls")),
]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    execute_from_command_line(["shop", "runserver", "--noreload", f"127.0.0.1:{sys.argv[1]}"])
