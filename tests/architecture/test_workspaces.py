"""Every statement on a table that belongs to workspaces names the workspace (core 7).

Worker roles see all rows, so a join without ``workspace_id`` would join one customer's lead with another's. Row-level
security stops readers; this reads the statements of both.
"""

import re
from itertools import pairwise

from tests.architecture.source import product_modules, texts
from tests.schema import owned_tables

_STATEMENT = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:LEFT |RIGHT |INNER |FULL |CROSS )?JOIN\b|\bWHERE\b|\bGROUP BY\b|\bORDER BY\b|\bRETURNING\b|$",
    re.IGNORECASE,
)
_JOINED = re.compile(r"JOIN\s+(?:LATERAL\s+)?([a-z_]+\.[a-z_]+)", re.IGNORECASE)


def _statements() -> list[tuple[str, str]]:
    return [
        (module.place(node), text)
        for module in product_modules()
        if module.path.parts[0] == "services"
        for node, text in texts(module.tree)
        if _STATEMENT.match(text)
    ]


def test_there_are_tables_and_statements_to_look_at() -> None:
    assert {"scoring", "metrics", "ingest"} <= {table.partition(".")[0] for table in owned_tables()}
    assert len(_statements()) > 10


def test_every_statement_on_an_owned_table_names_the_workspace() -> None:
    owned = owned_tables()
    found = [
        place
        for place, text in _statements()
        if any(re.search(rf"\b{re.escape(table)}\b", text) for table in owned) and "workspace_id" not in text
    ]

    assert found == []


def test_every_join_of_an_owned_table_compares_the_workspace() -> None:
    owned = owned_tables()
    found = []
    for place, text in _statements():
        edges = [match.start() for match in _CLAUSE.finditer(text)]
        for start, end in pairwise(edges):
            clause = text[start:end]
            joined = _JOINED.search(clause)
            if joined and joined.group(1) in owned and "workspace_id" not in clause:
                found.append(f"{place} {' '.join(clause.split())[:80]}")

    assert found == []
