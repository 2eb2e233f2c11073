"""The pages about channels and consent say what the code does: their tables are made from it."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import yaml

from services.ingest.domain import consent
from services.ingest.domain.bots import UNNAMED, names
from services.ingest.domain.channel import CHANNELS, RULES
from services.ingest.domain.landing import BESIDE, CLICK_GROUPS
from services.ingest.domain.policy import EEA, Policy, read_policy, written

_DOCS = Path(__file__).parents[3] / "docs"
_CHANNELS = (_DOCS / "channels.md").read_text(encoding="utf-8")
_CONSENT = (_DOCS / "consent.md").read_text(encoding="utf-8")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- | --- |", "|---|---|") + "\n"


def test_groups_and_their_channels() -> None:
    rows = [(f"`{group}`", f"`{channel}`") for group, channel in CHANNELS.items()]

    assert _table(("group", "channel"), rows) in _CHANNELS


def test_rules_in_order() -> None:
    rows = [(str(place), f"`{rule.name}`", rule.when) for place, rule in enumerate(RULES, 1)]
    table = _table(("", "rule", "holds when"), rows).replace("|---|---| --- |", "|---|---|---|")

    assert table in _CHANNELS


def test_click_ids() -> None:
    by_group: dict[str, list[str]] = {}
    for name, group in {**CLICK_GROUPS, **BESIDE}.items():
        by_group.setdefault(group, []).append(f"`{name}`")
    rows = [(f"`{group}`", ", ".join(listed)) for group, listed in by_group.items()]

    assert _table(("group", "click ids"), rows) in _CHANNELS


def test_names_of_bots() -> None:
    listed = ", ".join(f"`{name}`" for name in dict.fromkeys([*names().values(), UNNAMED]))

    assert listed in " ".join(_CHANNELS.split())


def test_words_of_others_about_consent() -> None:
    tcf = [(f"`{ours}`", ", ".join(map(str, theirs))) for ours, theirs in consent.TCF.items()]
    google = [(f"`{theirs}`", f"`{ours}`") for theirs, ours in consent.GOOGLE.items()]

    assert _table(("purpose", "purposes of the TCF, all of them"), tcf) in _CONSENT
    assert _table(("Google's", "purpose"), google) in _CONSENT
    assert ", ".join(sorted(EEA)) in " ".join(_CONSENT.split())


def test_the_policy_that_is_shown_is_the_one_of_a_new_workspace() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", _CHANNELS, re.DOTALL)

    assert read_policy(shown.encode()) == Policy()
    assert msgspec.json.decode(shown) == msgspec.json.decode(written(Policy()))


@pytest.mark.parametrize("page", [_CHANNELS, _CONSENT], ids=["channels", "consent"])
def test_every_policy_in_the_pages_can_be_set(page: str) -> None:
    found = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    assert found
    for text in found:
        read_policy(msgspec.json.encode(yaml.safe_load(text)))
