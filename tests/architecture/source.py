"""The code as text and trees, for rules that no linter knows."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = ("services", "shared", "migrations")


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file of the product; ``path`` is relative to the repository."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Dotted, as in an import."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    @property
    def tree(self) -> ast.Module:
        """Parsed anew at each call."""
        return ast.parse(self.text)

    @property
    def is_pure(self) -> bool:
        """Whether it belongs to a domain or to the parsers of wire formats."""
        return bool({"domain", "protocols"} & set(self.path.parts))

    def place(self, node: ast.AST) -> str:
        """Where a finding is, as editors understand it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


def product_modules() -> list[Module]:
    """Every Python file of the product, migrations included, tests not."""
    files = (path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py")))
    return [Module(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in files]


def calls_of(tree: ast.AST, *methods: str) -> Iterator[ast.Call]:
    """Calls of a method of one of these names, on whatever object."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            yield node


def texts(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """String literals; an f-string counts as one text, with constants of the module put in and ``{}`` for the rest."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    constants = dict(_constants(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node, "".join(_filled(part, constants) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node, node.value


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield target.id, value.value


def _filled(part: ast.expr, constants: Mapping[str, str]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
        return constants.get(part.value.id, "{}")
    return "{}"
