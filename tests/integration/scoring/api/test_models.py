"""Model versions over HTTP: looked at, held to their form, published; leads follow and say why."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from services.scoring.domain import fold
from services.scoring.domain.model import parse
from services.scoring.domain.state import initial
from services.scoring.domain.timeline import timeline
from services.scoring.domain.touchpoint import decode
from shared.access import Scope
from shared.clock import DAY, SECOND, to_text
from tests.integration.scoring.api.service import T0, Service, id_of, new_key
from tests.scoring_driver import WORKSPACE, b2b, touchpoint

U1, U2 = "5user_id:u1", "5user_id:u2"
KINDS = ("page_viewed", "webinar_attended", "email_opened", "form_submitted", "page_viewed", "email_link_clicked")
LONG = 9_000
"""More touchpoints than one transaction folds."""
ANY_WEBINAR = [{"name": "webinar", "when": {"kind": "webinar_attended"}, "points": 7, "max_per_day": 2}]
YAML = {"content-type": "application/yaml"}


@pytest.fixture
async def admin(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A caller who may publish."""
    key = await new_key(service.dsn, WORKSPACE, frozenset({Scope.ADMIN, Scope.LEADS_READ}))
    await service.access.load()
    async with service.with_key(key) as client:
        yield client


def changed(**parts: Any) -> dict[str, Any]:
    """The template with other parts."""
    model: dict[str, Any] = yaml.safe_load(b2b())
    return {**model, **parts}


KEEN = changed(
    statuses={"mql": {"when": {"engagement": {"at_least": 15}}}},
    stages=[
        {"name": "seen", "enter_when": {"did": {"kind": "email_opened"}}},
        {"name": "awareness", "enter_when": {"touched": True}},
        {"name": "keen", "enter_when": {"did": {"kind": "webinar_attended"}}},
    ],
)
"""Who attended a webinar is qualified, and keen."""


async def publish(admin: httpx.AsyncClient, model: Any, expected: int = 201) -> Any:
    answer = await admin.post("/v1/models/publish", content=yaml.safe_dump(model, sort_keys=False), headers=YAML)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def test_a_new_version_moves_the_leads_that_it_qualifies(service: Service, admin: httpx.AsyncClient) -> None:
    await service.scoring.deliver(
        [touchpoint(1, "webinar_attended", T0 + 9 * DAY, U1), touchpoint(2, "email_opened", T0, U2)]
    )
    service.clock.advance(SECOND // 2)
    at = T0 + 10 * DAY + SECOND
    before = to_text(T0 + 10 * DAY)

    published = await publish(admin, KEEN)
    outdated = await service.get(f"/v1/leads/{id_of(U1)}")
    service.clock.advance(5 * SECOND)
    await service.scoring.catch_up(T0 + 10 * DAY)
    too_early = await service.get(f"/v1/leads/{id_of(U1)}")
    waiting = (await service.get("/v1/facts"))["stale_leads"]
    await service.scoring.catch_up(at)
    await service.relay()

    assert (published["version"], published["published_at"]) == (2, to_text(at - SECOND // 2))
    assert [(lead["stale"], lead["status"], lead["model_version"]) for lead in (outdated, too_early)] == [
        (True, "known", 1)
    ] * 2
    assert waiting == 2
    lead = await service.get(f"/v1/leads/{id_of(U1)}")
    assert (lead["stale"], lead["status"], lead["stage"], lead["model_version"]) == (False, "mql", "keen", 2)
    assert (await service.get("/v1/facts"))["stale_leads"] == 0
    change = (await service.get("/v1/changes"))["data"][-1]
    assert (change["lead_id"], change["kind"], change["at"]) == (id_of(U1), "became_mql", to_text(at))
    assert (change["cause"]["model"], change["cause"]["correction"], change["model_version"]) == (2, None, 2)
    assert (change["before"]["status"], change["after"]["status"]) == ("known", "mql")
    assert [(move["axis"], move["to"], move["at"]) for move in change["transitions"]["added"]] == [
        ("status", "mql", to_text(at)),
        ("stage", "keen", to_text(at)),
    ]
    questions: list[dict[str, Any]] = [
        {"as_of": before},
        {"as_of": to_text(at), "known_at": before},
        {"known_at": before},
    ]
    for asked in questions:
        then = await service.get(f"/v1/leads/{id_of(U1)}", **asked)
        assert (then["status"], then["stage"], then["model_version"]) == ("known", "consideration", 1), asked
    now = await service.get(f"/v1/leads/{id_of(U1)}", as_of=to_text(at))
    assert (now["status"], now["stage"], now["model_version"]) == ("mql", "keen", 2)


async def test_what_a_batch_told_under_the_old_version_after_the_new_one_came_is_corrected(
    service: Service, admin: httpx.AsyncClient
) -> None:
    strict = changed(statuses={"mql": {"when": {"engagement": {"at_least": 90}}}})
    await service.scoring.deliver([touchpoint(1, "identified", T0, U1)])
    late = T0 + 10 * DAY + 60 * SECOND
    await service.scoring.deliver([touchpoint(2, "cart_item_added", late, U1)])
    told = (await service.get(f"/v1/leads/{id_of(U1)}"))["status"]

    await publish(admin, strict)
    await service.scoring.deliver([touchpoint(3, "page_viewed", late + SECOND, U1)])
    await service.scoring.catch_up(late + DAY)
    await service.relay()

    lead = await service.get(f"/v1/leads/{id_of(U1)}")
    change = (await service.get("/v1/changes"))["data"][-1]
    assert (told, lead["status"], lead["stale"]) == ("mql", "known", False)
    assert "mql" in [move["to"] for move in change["transitions"]["retracted"]]
    assert change["cause"]["correction"] == "refolded"


async def test_a_long_life_follows_in_slices_and_takes_late_touchpoints_meanwhile(
    service: Service, admin: httpx.AsyncClient
) -> None:
    life = [touchpoint(n, KINDS[n % len(KINDS)], T0 + n * SECOND, U1) for n in range(LONG)]
    for start in range(0, LONG, 3_000):
        await service.scoring.deliver(life[start : start + 3_000])
    for half_life in ("1h", "2h"):
        groups = [{"name": half_life, "half_life": half_life, "rules": ANY_WEBINAR}]
        await publish(admin, changed(name=half_life, engagement={"groups": groups}))
        service.clock.advance(SECOND)

    now = service.clock.now()
    steps = [await service.scoring.step(now)]
    partly = await service.get(f"/v1/leads/{id_of(U1)}")
    late = [touchpoint(LONG + n, "webinar_attended", T0 + n * 1_000 * SECOND + 1, U1) for n in range(9)]
    await service.scoring.deliver(late)
    while (step := await service.scoring.step(now)).taken:
        steps.append(step)

    lead = await service.get(f"/v1/leads/{id_of(U1)}")
    state = (await service.scoring.leads())[U1]
    first, second = (parse(yaml.safe_load(b2b())), parse((await service.get("/v1/models/2"))["model"]))
    third = parse((await service.get("/v1/models/3"))["model"])
    at = T0 + 10 * DAY
    known = timeline(first, [(at, replace(second, version=2)), (at + SECOND, replace(third, version=3))])
    told = sorted((decode(msgspec.json.encode(one)) for one in [*life, *late]), key=lambda one: one.place)
    wanted = fold.advance(known, fold.fold(known, initial(), told), now)
    assert (partly["stale"], lead["stale"], lead["model_version"]) == (True, False, 3)
    assert len(steps) > 2
    assert max(step.touchpoints for step in steps) < LONG
    assert msgspec.structs.replace(state, closed=[]) == msgspec.structs.replace(wanted, closed=[])


async def test_the_ledger_is_that_of_the_version_in_force(service: Service, admin: httpx.AsyncClient) -> None:
    await service.scoring.deliver([touchpoint(1, "webinar_attended", T0 + 9 * DAY, U1)])
    groups = [
        {
            "name": "all",
            "half_life": "7d",
            "rules": [{"name": "any", "when": {"kind": "webinar_attended"}, "points": 7}],
        }
    ]
    await publish(admin, changed(engagement={"groups": groups}))
    service.clock.advance(DAY)
    await service.scoring.catch_up(service.clock.now())

    then = await service.get(f"/v1/leads/{id_of(U1)}/ledger", as_of=to_text(T0 + 9 * DAY))
    now = await service.get(f"/v1/leads/{id_of(U1)}/ledger")
    lead = await service.get(f"/v1/leads/{id_of(U1)}")

    assert [(line["group"], line["rule"]) for line in then["data"]] == [("content", "webinar_attended")]
    assert [(line["group"], line["rule"], line["points"]) for line in now["data"]] == [("all", "any", 7)]
    assert now["score"]["engagement"] == lead["score"]["engagement"]


async def test_versions_are_listed_and_shown_as_they_were_published(service: Service, admin: httpx.AsyncClient) -> None:
    text = "# by hand\n" + yaml.safe_dump(KEEN, sort_keys=False)
    first = await admin.post("/v1/models/publish", content=text, headers=YAML)
    service.clock.advance(SECOND)
    second = await admin.post("/v1/models/publish", json=changed(name="third"))

    listed = await service.get("/v1/models")
    shown = await service.get("/v1/models/2")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["published_at"] > first.json()["published_at"]
    assert [(one["version"], one["name"], one["published_at"] is None) for one in listed["data"]] == [
        (3, "third", False),
        (2, "b2b", False),
        (1, "b2b", True),
    ]
    assert (shown["body"], shown["model"]) == (text, KEEN)
    assert (await service.get("/v1/models/1"))["body"] == b2b()
    await service.get("/v1/models/4", expected=404)
    assert msgspec.json.decode(msgspec.json.encode((await service.get("/v1/models/3"))["model"]))["name"] == "third"


async def test_a_model_that_says_the_same_is_no_new_version(service: Service, admin: httpx.AsyncClient) -> None:
    await publish(admin, changed(version=17), expected=409)
    await publish(admin, KEEN)
    problem = await publish(admin, {**KEEN, "version": 3}, expected=409)

    assert problem["detail"] == "version 2 says just that: there is nothing to publish"
    assert len((await service.get("/v1/models"))["data"]) == 2


@pytest.mark.parametrize(
    ("model", "pointer", "told"),
    [
        (changed(identity={"infer_email_owner": False}), "/identity/infer_email_owner", "holds for all time"),
        (changed(visit_gap="soon"), "/visit_gap", "expected a duration"),
        (changed(points=3), "", "unknown field `points`"),
        (changed(engagement={"groups": [{"name": "a", "half_life": "0s"}]}), "/engagement/groups/0/half_life", "more"),
        (changed(statuses={"mql": {"when": {"status": "vip"}}}), "/statuses/mql/when/status", "expected some of"),
        (changed(fit={"limit": {"min": 2, "max": 1}}), "/fit/limit", "min not above max"),
        (changed(fit={"rules": [{"name": "a", "when": {"touched": True}, "points": 1}]}), "/fit/rules/0/when", "trait"),
        ([1], "", "expected `object`"),
    ],
)
async def test_what_is_no_model_is_refused_with_its_place(
    service: Service, admin: httpx.AsyncClient, model: Any, pointer: str, told: str
) -> None:
    for route in ("validate", "publish"):
        answer = await admin.post(f"/v1/models/{route}", json=model)

        assert answer.status_code == 422, answer.text
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == pointer
        assert told in fault["detail"]
    assert len((await service.get("/v1/models"))["data"]) == 1


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (b"name: [", 422, "line 1, column 8"),
        (b"a: &a 1\nb: *a", 422, "no anchors"),
        (b"\xff", 422, "UTF-8"),
        (b"#" * 200_000, 413, "at most"),
        (b"[" * 100_000, 422, "levels deep"),
    ],
)
async def test_text_that_is_no_yaml_is_refused(admin: httpx.AsyncClient, text: bytes, status: int, told: str) -> None:
    answer = await admin.post("/v1/models/validate", content=text, headers=YAML)

    assert answer.status_code == status, answer.text
    assert told in answer.json()["detail"]


async def test_only_an_admin_publishes(service: Service, admin: httpx.AsyncClient) -> None:
    valid = await admin.post("/v1/models/validate", json=KEEN)

    assert valid.json() == {"valid": True, "name": "b2b", "stages": ["seen", "awareness", "keen"]}
    for route in ("validate", "publish"):
        assert (await service.client.post(f"/v1/models/{route}", json=KEEN)).status_code == 403
