"""Small on purpose: a file or function that grows past this is asking to be two concepts."""

import ast
from statistics import median

import pytest

from tests.architecture.source import Module, product_modules

_LONGEST_MODULE = 400
_LONGEST_FUNCTION = 45
_MEDIAN_MODULE = 130


def _functions(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of code: the docstring explains and is not counted."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_no_module_is_longer_than_one_concept() -> None:
    found = {str(module.path): len(module.text.splitlines()) for module in product_modules()}

    assert {path: lines for path, lines in found.items() if lines > _LONGEST_MODULE} == {}


def test_the_median_module_is_short() -> None:
    lengths = [len(module.text.splitlines()) for module in product_modules() if module.path.name != "__init__.py"]

    assert median(lengths) <= _MEDIAN_MODULE


@pytest.mark.parametrize("package", ["services", "shared"])
def test_no_function_is_longer_than_a_screen(package: str) -> None:
    found = {
        f"{module.place(node)} {node.name}": _length(node)
        for module in product_modules()
        if module.path.parts[0] == package
        for node in _functions(module)
        if _length(node) > _LONGEST_FUNCTION
    }

    assert found == {}
