"""Time, configuration and ids are arguments (docs/decisions/0008): the same input folds to the same lead, anywhere."""

import ast
from pathlib import Path

from tests.architecture.source import Module, product_modules

_CLOCK_READS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}


def _attributes(module: Module) -> list[ast.Attribute]:
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]


def test_the_domain_never_asks_what_time_it_is() -> None:
    found = [
        module.place(node)
        for module in product_modules()
        if module.is_pure
        for node in _attributes(module)
        if node.attr in _CLOCK_READS
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date", "time"}
    ]

    assert found == []


def test_only_settings_and_main_read_the_environment() -> None:
    def may_read(path: Path) -> bool:
        return path == Path("shared/settings.py") or path.name == "__main__.py"

    found = [
        module.place(node)
        for module in product_modules()
        if not may_read(module.path)
        for node in _attributes(module)
        if node.attr in {"environ", "getenv"} and isinstance(node.value, ast.Name) and node.value.id == "os"
    ]

    assert found == []


def test_importing_a_module_starts_nothing() -> None:
    """At module level only definitions, imports, constants and, in migrations' env.py, the run itself."""
    allowed = (
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Assign,
        ast.AnnAssign,
    )
    constructors = {"Index", "event.listens_for"}
    found = [
        f"{module.place(node)} {ast.unparse(node)[:60]}"
        for module in product_modules()
        if module.path != Path("migrations/env.py") and module.path.name != "__main__.py"
        for node in module.tree.body
        if not isinstance(node, allowed)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) in constructors
        )
        and not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]

    assert found == []
