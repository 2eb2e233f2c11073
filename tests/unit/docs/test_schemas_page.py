"""The page about schemas says what the code does."""

import re
from pathlib import Path

import yaml

from services.ingest.domain import schema
from services.ingest.handlers import schemas

PAGE = (Path(__file__).parents[3] / "docs" / "schemas.md").read_text(encoding="utf-8")


def test_the_schema_that_is_shown_can_be_published() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    ready = schema.read_schema(yaml.safe_load(shown))

    assert ready.violations({"order_id": "o-1", "total": 12.5, "coupon": None}, {"email": "ada@acme.example"}) == []
    found = ready.violations({"order_id": "o-1", "total": "12"}, {"email": "ada"})
    assert [one.pointer for one in found] == ["/properties/total", "/traits/email"]
    assert found[0].detail.replace('"', '\\"') in PAGE


def test_modes_and_bounds_are_those_we_have() -> None:
    assert set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)) == set(schema.Mode)
    for bound in (
        f"{schema.MAX_BYTES // 1024} KiB",
        f"{schema._MAX_DEPTH} levels",
        f"{schema._MAX_UNFOLDED:,} values",
        f"{schema._MAX_PATTERNS} patterns of {schema._MAX_PATTERN} characters",
        f"{schemas._MAX_KINDS} kinds",
        f"up to {schema._MAX_VIOLATIONS} are looked for",
    ):
        assert bound in " ".join(PAGE.split()), bound
