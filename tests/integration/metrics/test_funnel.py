from collections.abc import Iterator
from typing import Any

import pytest

from services.metrics.handlers.rebuild import recount
from shared.clock import DAY, HOUR, to_text
from tests.integration.metrics.conftest import Desk
from tests.integration.metrics.histories import random_changes
from tests.integration.metrics.support import ZONES
from tests.unit.metrics.builders import MIDNIGHT, change, fact

_FROM, _TO = to_text(MIDNIGHT - 30 * DAY), to_text(MIDNIGHT + DAY)


async def _without_days(desk: Desk) -> None:
    """No days are counted any more: hours answer for channels, the facts for all else."""
    async with desk.own.pool.acquire() as connection:
        await connection.execute("UPDATE metrics.calendar SET is_counted = false")
        await connection.execute("UPDATE metrics.shard SET revision = revision + 1")


def _numbers(answer: dict[str, Any]) -> dict[str, Any]:
    """What is answered, without how it was found; groups of equal size in any order."""
    groups = sorted(answer["groups"], key=lambda group: str(group["key"]) + str(group["rest"]))
    return {"steps": answer["steps"], "groups": groups}


def _entered(steps: list[dict[str, Any]]) -> dict[str, int]:
    return {step["step"]: step["entered"] for step in steps}


async def test_a_funnel_says_how_many_came_how_far_and_how_long_it_took(desk: Desk) -> None:
    await desk.tell(
        change(1, 1, {"cycle:1": fact(known=0, mql=HOUR, touch={"channel": "email"})}, desk.workspace),
        change(
            2, 1, {"cycle:1": fact(known=0, mql=3 * HOUR, sal=4 * HOUR, touch={"channel": "email"})}, desk.workspace
        ),
        change(
            3, 1, {"cycle:1": fact(known=HOUR, ended=("disqualified", DAY), touch={"channel": "web"})}, desk.workspace
        ),
        change(4, 1, {"cycle:1": fact(known=HOUR)}, desk.workspace),
    )

    answer = await desk.get("/v1/funnel", by="channel", **{"from": _FROM, "to": _TO})

    assert _entered(answer["steps"]) == {"known": 4, "mql": 2, "sal": 1, "sql": 0, "opportunity": 0, "customer": 0}
    known, mql, sal = answer["steps"][:3]
    assert (known["converted"], known["left"], known["still_open"]) == (2, {"disqualified": 1}, 1)
    assert mql["rate_from_first"]["value"] == 0.5
    assert mql["rate_from_first"]["interval"] == pytest.approx([0.150039, 0.849961], abs=1e-5)
    assert known["drop_off"] == {"value": 0.5, "n": 4, "interval": [0.150039, 0.849961]}
    assert mql["seconds_from_first"]["median"] == pytest.approx(3600, rel=0.05)
    assert mql["seconds_from_first"]["p90"] == pytest.approx(3 * 3600, rel=0.05)
    assert sal["seconds_from_first"]["median"] == pytest.approx(4 * 3600, rel=0.05)
    assert sal["seconds_from_previous"] == {
        "median": pytest.approx(3600, rel=0.05),
        "p90": pytest.approx(3600, rel=0.05),
        "n": 1,
    }
    assert [(group["key"], _entered(group["steps"])["known"]) for group in answer["groups"]] == [
        ({"channel": "email"}, 2),
        ({"channel": "web"}, 1),
        ({"channel": None}, 1),
    ]
    assert answer["meta"]["source"] == "cells"


def _filtered(question: dict[str, Any]) -> set[str]:
    given = question.get("filter", [])
    return {text.partition(":")[0] for text in ([given] if isinstance(given, str) else given)}


_QUESTIONS: list[dict[str, Any]] = [
    {},
    {"by": "channel"},
    {"by": "campaign"},
    {"by": "country"},
    {"by": "channel,campaign"},
    {"by": "channel", "filter": "campaign:spring"},
    {"by": "campaign", "filter": "channel:email"},
    {"filter": "country:DK"},
    {"filter": "country:"},
    {"filter": "channel:never seen"},
    {"filter": ["channel:", "campaign:"]},
    {"by": "channel", "window": "30d"},
    {"by": "channel", "window": "7d"},
    {"by": "country", "window": "14d"},
    {"by": "channel", "basis": "period"},
    {"by": "country", "basis": "period"},
    {"by": "channel,campaign", "basis": "period"},
]


@pytest.mark.parametrize("question", _QUESTIONS, ids=str)
async def test_the_kept_sums_say_what_the_facts_say(desk: Desk, question: dict[str, Any]) -> None:
    await desk.tell(*random_changes(1, 70, desk.workspace))
    span = {"from": _FROM, "to": _TO}

    kept = await desk.get("/v1/funnel", **span, **question)
    await _without_days(desk)
    counted = await desk.get("/v1/funnel", **span, **question)

    asked = {name for name in question.get("by", "").split(",") if name} | _filtered(question)
    assert kept["meta"]["source"] == "cells"
    assert counted["meta"]["source"] == ("cells" if asked <= {"channel"} else "facts")
    assert _numbers(kept) == _numbers(counted)


async def test_hours_days_and_facts_agree(desk: Desk) -> None:
    await desk.tell(*random_changes(2, 80, desk.workspace))
    span = {"from": _FROM, "to": _TO, "by": "channel"}

    days = await desk.get("/v1/funnel", **span)
    await _without_days(desk)
    hours = await desk.get("/v1/funnel", **span)
    facts = await desk.get("/v1/funnel", **span, window="3650d")

    assert (days["meta"]["source"], hours["meta"]["source"], facts["meta"]["source"]) == ("cells", "cells", "facts")
    assert _numbers(days) == _numbers(hours)
    assert [_entered(group["steps"]) for group in _numbers(facts)["groups"]] == [
        _entered(group["steps"]) for group in _numbers(days)["groups"]
    ]


async def test_a_funnel_from_another_step_is_counted_from_the_facts(desk: Desk) -> None:
    await desk.tell(
        change(
            1, 1, {"cycle:1": fact(anonymous=0, known=HOUR, mql=2 * HOUR, touch={"channel": "web"})}, desk.workspace
        ),
        change(2, 1, {"cycle:1": fact(anonymous=0, touch={"channel": "web"})}, desk.workspace),
    )

    cohort = await desk.get("/v1/funnel", entry="anonymous", by="channel", **{"from": _FROM, "to": _TO})
    period = await desk.get("/v1/funnel", entry="mql", basis="period", **{"from": _FROM, "to": _TO})

    assert (cohort["meta"]["source"], period["meta"]["source"]) == ("facts", "facts")
    assert list(_entered(cohort["steps"]).items())[:3] == [("anonymous", 2), ("known", 1), ("mql", 1)]
    assert cohort["groups"][0]["steps"] == [
        {**step, "leads": group["leads"]}
        for step, group in zip(cohort["steps"], cohort["groups"][0]["steps"], strict=True)
    ]
    assert list(_entered(period["steps"]).items())[:2] == [("mql", 1), ("sal", 0)]


async def test_days_are_those_of_the_zone_asked_for(desk: Desk) -> None:
    before_midnight_utc = DAY - HOUR
    await desk.tell(change(1, 1, {"cycle:1": fact(known=before_midnight_utc)}, desk.workspace))
    day = to_text(MIDNIGHT)[:10]
    next_day = to_text(MIDNIGHT + DAY)[:10]
    after = to_text(MIDNIGHT + 2 * DAY)[:10]

    utc = await desk.get("/v1/funnel", **{"from": day, "to": next_day})
    danish = await desk.get("/v1/funnel", **{"from": next_day, "to": after, "tz": "Europe/Copenhagen"})

    assert (utc["steps"][0]["entered"], danish["steps"][0]["entered"]) == (1, 1)
    assert danish["meta"]["source"] == "cells"
    assert danish["from"] == to_text(MIDNIGHT + DAY - 2 * HOUR)


async def test_a_window_tells_the_mature_apart(desk: Desk) -> None:
    now = desk.own.clock.now()
    long_ago, lately = now - 60 * DAY - MIDNIGHT, now - 2 * DAY - MIDNIGHT
    await desk.tell(
        change(1, 1, {"cycle:1": fact(known=long_ago, mql=long_ago + 7 * DAY)}, desk.workspace),
        change(2, 1, {"cycle:1": fact(known=long_ago, mql=long_ago + 7 * DAY + 1)}, desk.workspace),
        change(3, 1, {"cycle:1": fact(known=lately)}, desk.workspace),
    )

    answer = await desk.get("/v1/funnel", window="7d", **{"from": to_text(now - 90 * DAY)[:10]})

    known, mql = answer["steps"][:2]
    assert (known["entered"], mql["entered"], known["still_open"], known["out_of_time"]) == (3, 1, 1, 1)
    assert (known["mature"]["entered"], mql["mature"]["entered"]) == (2, 1)
    assert mql["mature"]["rate_from_first"]["value"] == 0.5


async def test_moves_of_a_period_are_counted_whenever_the_cycle_began(desk: Desk) -> None:
    await desk.tell(
        change(1, 1, {"cycle:1": fact(known=-60 * DAY, mql=-DAY)}, desk.workspace),
        change(2, 1, {"cycle:1": fact(known=-DAY, ended=("disqualified", -HOUR))}, desk.workspace),
    )

    answer = await desk.get("/v1/funnel", basis="period", **{"from": _FROM, "to": _TO})

    known, mql = answer["steps"][:2]
    assert (known["entered"], mql["entered"], known["left"]) == (1, 1, {"disqualified": 1})
    assert (mql["rate_from_first"]["value"], mql["rate_from_first"]["interval"]) == (1.0, None)
    assert mql["seconds_from_first"]["median"] == pytest.approx(59 * 86_400, rel=0.05)
    assert known["still_open"] is None


async def test_what_is_held_in_memory_follows_every_change(desk: Desk) -> None:
    span = {"from": _FROM, "to": _TO, "by": "channel"}
    await desk.tell(*random_changes(3, 40, desk.workspace))
    await desk.get("/v1/funnel", **span)

    await desk.tell(*random_changes(4, 60, desk.workspace, version=2))
    await desk.tell(change(900, 1, {"cycle:1": fact(known=0, touch={"channel": "webinar"})}, desk.workspace))

    followed = await desk.get("/v1/funnel", **span)
    await _without_days(desk)
    assert _numbers(followed) == _numbers(await desk.get("/v1/funnel", **span))
    assert {"channel": "webinar"} in [group["key"] for group in followed["groups"]]


async def test_a_recount_and_forgotten_deltas_make_memory_read_again(desk: Desk) -> None:
    span = {"from": _FROM, "to": _TO, "by": "channel"}
    await desk.tell(*random_changes(5, 60, desk.workspace))
    right = await desk.get("/v1/funnel", **span)
    async with desk.own.pool.acquire() as connection:
        await connection.execute("UPDATE metrics.cell SET count = count + 1")
        await connection.execute("UPDATE metrics.shard SET revision = revision + 1")
    wrong = await desk.get("/v1/funnel", **span)

    await recount(desk.own.pool, desk.workspace, ZONES)

    assert _numbers(wrong) != _numbers(right)
    assert _numbers(await desk.get("/v1/funnel", **span)) == _numbers(right)


def _parts(answer: dict[str, Any]) -> Iterator[tuple[str, dict[str, str], int]]:
    for steps in [answer["steps"], *(group["steps"] for group in answer["groups"])]:
        for step in steps:
            yield step["leads"], {}, step["entered"]
            for part in ("converted", "still_open", "out_of_time"):
                if step[part] is not None:
                    yield step["leads"], {"part": part}, step[part]
            for end, number in step["left"].items():
                yield step["leads"], {"part": "left", "exit": end}, number


@pytest.mark.parametrize(
    "question",
    [
        {"by": "channel"},
        {"by": "campaign", "window": "7d"},
        {"by": "channel,campaign", "filter": "country:DK"},
        {"by": "channel", "basis": "period"},
        {"by": "country", "window": "5d", "entry": "mql"},
    ],
    ids=str,
)
async def test_the_leads_behind_a_number_are_as_many_as_it_says(desk: Desk, question: dict[str, Any]) -> None:
    await desk.tell(*random_changes(6, 50, desk.workspace))
    answer = await desk.get("/v1/funnel", **{"from": _FROM, "to": _TO}, **question)

    for link, parameters, number in _parts(answer):
        address = link + "".join(f"&{name}={value}" for name, value in parameters.items())
        found = await desk.client.get(address, headers=desk.bearer)
        assert found.status_code == 200, found.text
        assert found.json()["count"] == number, (link, parameters)


async def test_leads_come_in_pages_without_gaps_or_doubles(desk: Desk) -> None:
    await desk.tell(*random_changes(7, 90, desk.workspace))
    answer = await desk.get("/v1/funnel", **{"from": _FROM, "to": _TO})
    first = answer["steps"][0]

    seen: list[tuple[str, int]] = []
    link: str | None = f"{first['leads']}&limit=7"
    while link is not None:
        page = (await desk.client.get(link, headers=desk.bearer)).json()
        seen += [(lead["lead_id"], lead["cycle"]) for lead in page["data"]]
        link = page["next"] and f"{first['leads']}&limit=7&after={page['next']}"

    assert len(seen) == len(set(seen)) == first["entered"] > 20
