"""Origin (own code, library, standard library) and module of a source file, by its path. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from functools import lru_cache
from typing import Literal

Origin = Literal["yours", "library", "stdlib", "import", "native", "pseudo"]

_STDLIB = re.compile(
    r"(?:^|/)(?:lib(?:64)?/(?:python|pypy)\d[\d.]*t?"
    r"|Python\.framework/Versions/[\d.]+/lib/python[\d.]+)/"
)
_PACKAGES = re.compile(r"(?:site|dist)-packages/(.+)$")
_NATIVE = re.compile(r"\.(?:so|dylib|dll)(?:[.\d]*)$|\.(?:c|cc|cpp|h|hpp|rs|pyx)$")
_SCRIPT_PATH = re.compile(r"(?:^|/)(?:bin|Scripts)/([^/.]+)$")
_SUFFIX = re.compile(r"\.(?:cpython[^/]*|abi3)?\.?(?:py|so|pyx)$")


@lru_cache(maxsize=65536)
def origin(file: str, own_packages: frozenset[str] = frozenset()) -> Origin:
    """Return the origin of a file's code.

    Args:
        file: the path as the profile has it; empty for a pseudo frame.
        own_packages: packages and modules of the user's own code, including those installed next to
            libraries. An entry with a ``/`` is a part of a path.

    """
    if not file:
        return "pseudo"
    if any("/" in entry and entry in file for entry in own_packages):
        return "yours"
    if file.startswith("<frozen "):
        return "import" if "importlib" in file or "zipimport" in file else "stdlib"
    if _PACKAGES.search(file):
        return "yours" if own_packages and is_below(module_name(file), own_packages) else "library"
    if _NATIVE.search(file):
        return "native"
    if _STDLIB.search(file):
        return "import" if "/importlib/" in file else "stdlib"
    if _is_relative_stdlib(file):
        return "stdlib"
    return "yours"


@lru_cache(maxsize=65536)
def module_name(file: str) -> str:
    """Return the dotted module of a file by its path: "django.db.models.query", "threading"."""
    match = _PACKAGES.search(file)
    if match is not None:
        path = match.group(1)
    elif (stdlib := _STDLIB.search(file)) is not None:
        path = file[stdlib.end() :].removeprefix("lib-dynload/")
    elif file.startswith("<frozen "):
        path = file[8:].rstrip(">")
    elif _is_relative_stdlib(file):
        path = file
    else:
        path = "/".join(file.split("/")[-2:])
    return _SUFFIX.sub("", path).removesuffix("/__init__").replace("/", ".").strip(".")


def top_level_package(file: str) -> str:
    """Return the top-level package of a file below site-packages or dist-packages; else ""."""
    return module_name(file).partition(".")[0] if _PACKAGES.search(file) else ""


def site_packages_folder(file: str) -> str:
    """Return the site-packages or dist-packages folder in which a file is installed; else ""."""
    match = _PACKAGES.search(file)
    return file[: match.start(1)].rstrip("/") if match is not None else ""


def script_name(file: str) -> str:
    """Return the name of a script without suffix in a program folder (``/v/bin/uvicorn``).

    Returns "" for any other file.
    """
    match = _SCRIPT_PATH.search(file)
    return match[1] if match is not None else ""


def is_below(name: str, prefixes: Collection[str]) -> bool:
    """Whether a dotted name is one of `prefixes` or lies below one of them."""
    while name:
        if name in prefixes:
            return True
        name = name.rpartition(".")[0]
    return False


def _is_relative_stdlib(file: str) -> bool:
    """Whether a relative path is a module of the standard library.

    py-spy's short names leave the folder out.
    """
    if file.startswith(("/", "<")) or not file.endswith(".py"):
        return False
    return file.removesuffix(".py").partition("/")[0] in sys.stdlib_module_names
