"""The judge finds nothing in what is right and names the invariant of what is not; and it is fast enough to be used."""

import random
import time
from copy import deepcopy
from typing import Any

import pytest

from tests.property.test_fold_matches_reference import B2B
from tests.reference import funnel
from tests.reference.checker import Broken, Judge, check_changes, check_funnel, check_ids, check_paths, check_same
from tests.reference.components import components
from tests.reference.histories import HALF_DAYS, SECRET, Step, message
from tests.reference.message import DAY, Message

START, END = HALF_DAYS.start, HALF_DAYS.end


def town(people: int, touchpoints: int, seed: int = 7) -> list[Message]:
    """A history of many small neighbourhoods."""
    rng = random.Random(seed)
    made: list[Message] = []
    for place in range(touchpoints):
        block = rng.randrange(people // 3) * 3
        person, other = block + rng.randrange(3), block + rng.randrange(3)
        step = Step(rng.randrange(31), person, other, rng.randrange(1_000_000), rng.randrange(6), rng.randrange(12))
        made.append({**message(place, step, HALF_DAYS), "id": f"t{place}"})
    return made


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(town(30, 400), B2B, SECRET, since=END, until=END)


def broken(found: list[Broken]) -> set[str]:
    return {each.invariant for each in found}


def answer(facts: list[funnel.Fact], basis: str) -> dict[str, Any]:
    """What metrics would answer, by channel, all of it right."""

    def steps(some: list[funnel.Fact]) -> list[dict[str, Any]]:
        if basis == "period":
            moves = funnel.period(some, START, END)
            return [{"step": name, "entered": moves[name]} for name in ("known", "mql", "customer")]
        return [
            {
                "step": name,
                "entered": step.entered,
                "converted": None if name == "customer" else step.converted,
                "left": dict(step.left),
                "still_open": step.still_open,
            }
            for name, step in funnel.cohort(some, START, END).items()
        ]

    groups = [
        {"key": {"channel": value}, "rest": [], "steps": steps(some)}
        for value, some in funnel.by(facts, "channel").items()
    ]
    return {"steps": steps(facts), "groups": groups}


def test_what_is_right_is_not_broken(judge: Judge) -> None:
    facts = judge.facts
    changes = [{"change_id": str(i), "lead_id": i, "version": 1, "facts": f.life.facts} for i, f in judge.leads.items()]

    assert judge.check_facts(facts) == []
    assert check_paths(facts) == []
    assert check_changes(changes, facts) == []
    assert all(check_funnel(answer([*facts.values()], b), facts.values(), START, END, basis=b) == [] for b in BASES)
    assert len(facts) > 50


BASES = ("cohort", "period")


def test_a_changed_fact_is_named(judge: Judge) -> None:
    facts = deepcopy(judge.facts)
    key = next(key for key, fact in facts.items() if "customer" in fact["steps"])
    steps: dict[str, int] = facts[key]["steps"]
    steps["customer"] += DAY

    assert broken(judge.check_facts(facts)) == {"I5"}
    assert broken(check_same(judge.facts, facts)) == {"I8"}


def test_a_lost_lead_and_a_strange_one_are_named(judge: Judge) -> None:
    facts = dict(judge.facts)
    lost = next(iter(facts))
    facts["stranger", "cycle:1"] = facts.pop(lost)

    assert len(judge.check_facts(facts)) >= 2


@pytest.mark.parametrize("basis", BASES)
def test_a_funnel_that_counts_one_more_is_named(judge: Judge, basis: str) -> None:
    wrong = answer([*judge.facts.values()], basis)
    wrong["groups"][0]["steps"][0]["entered"] += 1

    assert broken(check_funnel(wrong, judge.facts.values(), START, END, basis=basis)) == {"I9"}


def test_ids_lost_doubled_and_from_nowhere_are_named() -> None:
    found = check_ids(accepted={"a", "b"}, rejected={"c"}, sent={"a", "b", "c"}, stored=["a", "a", "x"])

    assert broken(found) == {"I1", "I2", "I3"}


def test_versions_numbers_and_facts_of_changes_are_watched() -> None:
    changes = [
        {"change_id": "1", "lead_id": "l", "version": 2, "sequence": 1, "facts": {"cycle:1": {"cycle": 1}}},
        {"change_id": "1", "lead_id": "l", "version": 2, "sequence": 1, "facts": {"cycle:1": {"cycle": 1}}},
        {"change_id": "2", "lead_id": "l", "version": 2, "sequence": 3, "facts": {"cycle:1": None}},
    ]

    assert len(check_changes(changes, {("l", "cycle:1"): {"cycle": 1}})) == 3


def test_paths_that_skip_or_go_back_are_named() -> None:
    def fact(**steps: int) -> dict[tuple[str, str], funnel.Fact]:
        return {("l", "cycle:1"): {"cycle": 1, "steps": steps, "dimensions": {}}}

    assert check_paths(fact(anonymous=1, known=2, mql=2)) == []
    assert broken(check_paths(fact(anonymous=1, mql=2))) == {"I11"}
    assert broken(check_paths(fact(anonymous=3, known=2))) == {"I11"}


def test_neighbourhoods_share_no_key() -> None:
    parts = components(town(30, 400))

    keys = [{key for each in part for key in (*each["keys"], each.get("previous", each["keys"][0]))} for part in parts]
    assert sum(len(part) for part in parts) == 400
    assert len(parts) >= 10
    assert sum(map(len, keys)) == len(set().union(*keys))


def test_ten_thousand_touchpoints_are_judged_in_seconds() -> None:
    began = time.process_time()

    judge = Judge(town(1_000, 10_000), B2B, SECRET, since=END, until=END)

    assert time.process_time() - began < 20
    assert judge.check_facts(judge.facts) == []
