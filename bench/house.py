"""Measure the shape of the source tree: sizes, names used twice, import circles, complexity.

Run `python bench/house.py [ROOT]`; ROOT is a checkout (default: this one). The figures are counts
over the syntax trees of `tputtui/`, so that two checkouts can be compared by one command.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

LONG_FILE = 400
COMPLEX = 12


def modules(root: Path) -> dict[str, ast.Module]:
    """Parse every module of the package, by dotted name."""
    trees: dict[str, ast.Module] = {}
    for path in sorted((root / "tputtui").rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        trees[name] = ast.parse(path.read_text("utf-8"))
    return trees


def imports(tree: ast.Module, names: frozenset[str], *, with_types: bool) -> Iterator[str]:
    """Yield the package's modules that a module imports; lazy imports are left out."""
    for node in top_level(tree, with_types=with_types):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in names:
                    yield full
                elif node.module in names:
                    yield node.module


def top_level(tree: ast.Module, *, with_types: bool) -> Iterator[ast.stmt]:
    """Yield the statements that run at import time, those under TYPE_CHECKING on request."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            if with_types:
                yield from node.body
        else:
            yield node


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the strongly connected components of several modules (Kosaraju), largest first."""
    order: list[str] = []
    visited: set[str] = set()
    for start in graph:
        visit(start, graph, visited, order)
    backwards: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        for other in others:
            backwards[other].add(name)
    visited.clear()
    components: list[set[str]] = []
    for start in reversed(order):
        part: list[str] = []
        visit(start, backwards, visited, part)
        if len(part) > 1:
            components.append(set(part))
    return sorted(components, key=len, reverse=True)


def visit(start: str, graph: dict[str, set[str]], visited: set[str], order: list[str]) -> None:
    """Append to `order` the unvisited modules reachable from `start`, in post-order."""
    stack = [(start, iter(sorted(graph.get(start, ()))))] if start not in visited else []
    visited.add(start)
    while stack:
        name, rest = stack[-1]
        following = next((other for other in rest if other not in visited), None)
        if following is None:
            order.append(name)
            stack.pop()
        else:
            visited.add(following)
            stack.append((following, iter(sorted(graph.get(following, ())))))


def nested_conditionals(tree: ast.Module) -> int:
    """Count conditional expressions that stand inside another."""
    outer = (node for node in ast.walk(tree) if isinstance(node, ast.IfExp))
    return sum(
        isinstance(inner, ast.IfExp)
        for node in outer
        for inner in ast.walk(node)
        if inner is not node
    )


def complexities(root: Path) -> list[int]:
    """Return the cyclomatic complexity of every function above 10, by ruff."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "C901"]
    command += ["--config", "lint.mccabe.max-complexity=10", "--output-format", "json", "tputtui"]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    rows = json.loads(answer.stdout or "[]")
    return [int(row["message"].partition("(")[2].partition(" >")[0]) for row in rows]


def twice(names: Iterator[str]) -> int:
    """Count names that occur more than once."""
    return sum(count > 1 for count in Counter(names).values())


def main() -> None:
    """Print one figure a line."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
    trees = modules(root)
    names = frozenset(trees)
    files = sorted((root / "tputtui").rglob("*.py"))
    lengths = [len(path.read_text("utf-8").splitlines()) for path in files]
    lines = sum(lengths)
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    conditionals = sum(isinstance(node, ast.IfExp) for node in nodes)
    comprehension = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    comprehensions = sum(isinstance(node, comprehension) for node in nodes)
    run_time = {n: set(imports(t, names, with_types=False)) - {n} for n, t in trees.items()}
    typed = {n: set(imports(t, names, with_types=True)) - {n} for n, t in trees.items()}
    importers: Counter[str] = Counter()
    for name, tree in trees.items():
        everywhere = ast.Module([node for node in ast.walk(tree) if isinstance(node, ast.stmt)], [])
        importers.update(set(imports(everywhere, names, with_types=True)) - {name})
    classes = [
        node.name
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    above = complexities(root)
    stems = [path.stem for path in files if path.stem != "__init__"]
    figures = {
        "files": len(files),
        "lines": lines,
        f"files over {LONG_FILE} lines": sum(length > LONG_FILE for length in lengths),
        "conditional expressions per 1,000 lines": round(1000 * conditionals / lines, 1),
        "nested conditional expressions": sum(map(nested_conditionals, trees.values())),
        "comprehensions per 1,000 lines": round(1000 * comprehensions / lines, 1),
        "file names used more than once": twice(iter(stems)),
        "public class names used more than once": twice(iter(classes)),
        "modules with exactly one importer": sum(count == 1 for count in importers.values()),
        "largest import circle at run time": max(map(len, circles(run_time)), default=1),
        "largest import circle with types": max(map(len, circles(typed)), default=1),
        f"functions of complexity over {COMPLEX}": sum(value > COMPLEX for value in above),
        "highest complexity": max(above, default=10),
    }
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:{width}}  {value:,}")


if __name__ == "__main__":
    main()
