from typing import Any
from uuid import uuid4

import msgspec
import pytest

from services.metrics.api import examples
from services.metrics.store.sign_in import SESSION_LASTS, create_link
from shared.access import Scope
from shared.clock import DAY, HOUR, to_text
from shared.database.pool import borrowed
from tests.integration.metrics.conftest import Desk, make_key
from tests.unit.metrics.builders import change, fact


async def _link(desk: Desk, age: int = 0) -> str:
    async with borrowed(desk.own.pool) as connection:
        return await create_link(connection, desk.workspace, desk.own.clock.now() - age)


async def _refused(desk: Desk, path: str, **parameters: Any) -> dict[str, Any]:
    response = await desk.client.get(path, params=parameters, headers=desk.bearer)
    assert response.status_code == 422, response.text
    found: dict[str, Any] = response.json()["errors"][0]
    return found


@pytest.mark.parametrize(
    ("parameters", "pointer", "code"),
    [
        ({"by": "colour"}, "by", "unknown_value"),
        ({"by": "channel,campaign,country"}, "by", "too_many_items"),
        ({"filter": "channel"}, "filter", "wrong_type"),
        ({"filter": "colour:red"}, "filter", "unknown_value"),
        ({"filter": "channel:a\0b"}, "filter", "invalid_text"),
        ({"basis": "all"}, "basis", "unknown_value"),
        ({"unit": "lead"}, "unit", "unknown_value"),
        ({"entry": "lost"}, "entry", "unknown_value"),
        ({"tz": "Mars/Base"}, "tz", "unknown_value"),
        ({"tz": "../etc/passwd"}, "tz", "unknown_value"),
        ({"from": "2026-11-25T10:00:00"}, "from", "invalid_instant"),
        ({"to": "300000-01-01"}, "to", "invalid_instant"),
        ({"from": "2026-11-25", "to": "2026-11-25"}, "from", "out_of_range"),
        ({"from": "1990-01-01", "to": "2026-01-01"}, "from", "out_of_range"),
        ({"window": "a month"}, "window", "invalid_duration"),
        ({"window": "7d", "basis": "period"}, "window", "not_together"),
    ],
    ids=str,
)
async def test_a_question_that_cannot_be_answered_says_what_is_wrong(
    desk: Desk, parameters: dict[str, str], pointer: str, code: str
) -> None:
    fault = await _refused(desk, "/v1/funnel", **parameters)

    assert (fault["pointer"], fault["code"]) == (pointer, code)


async def test_a_misspelt_parameter_is_refused_with_the_near_one(desk: Desk) -> None:
    fault = await _refused(desk, "/v1/funnel", entri="known")

    assert (fault["pointer"], fault["code"]) == ("entri", "unknown_parameter")
    assert "entry" in fault["detail"]


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"cell": "nonsense"}, "cell"),
        ({"cell": "cohort.known.anonymous.0.1.0.0"}, "cell"),
        ({"cell": "cohort.known.known.0.1.0.0/colour=red"}, "cell"),
        ({"cell": f"cohort.known.known.0.{2**63}.0.0"}, "cell"),
        ({"cell": "cohort.known.known.0.1.0.0", "exit": "lost"}, "exit"),
        ({"cell": "period.known.known.0.1.0.0", "part": "still_open"}, "part"),
        ({"cell": "cohort.known.known.0.1.0.0", "after": "x"}, "after"),
    ],
    ids=str,
)
async def test_a_cell_that_is_not_ours_is_refused(desk: Desk, parameters: dict[str, str], pointer: str) -> None:
    assert (await _refused(desk, "/v1/leads", **parameters))["pointer"] == pointer


async def test_without_a_range_the_last_thirty_days_are_answered(desk: Desk) -> None:
    now = desk.own.clock.now()
    day = now // DAY * DAY

    answer = await desk.get("/v1/funnel")

    assert (answer["from"], answer["to"]) == (to_text(day - 29 * DAY), to_text(day + DAY))
    assert answer["steps"][0] | {"leads": ""} == {
        "step": "known",
        "entered": 0,
        "converted": 0,
        "rate_from_first": {"value": None, "n": 0, "interval": None},
        "rate_from_previous": {"value": None, "n": 0, "interval": None},
        "drop_off": {"value": None, "n": 0, "interval": None},
        "left": {},
        "still_open": 0,
        "out_of_time": None,
        "mature": None,
        "seconds_from_first": None,
        "seconds_from_previous": None,
        "leads": "",
    }
    assert answer["meta"]["time_zone"] == "UTC"


async def test_keys_open_only_their_own_workspace(desk: Desk) -> None:
    other, key = await make_key(desk.dsn, "second", list(Scope))
    await desk.reach.access.load()
    await desk.tell(change(1, 1, {"cycle:1": fact(known=0)}, desk.workspace))
    await desk.tell(*(change(lead, 1, {"cycle:1": fact(known=0)}, other) for lead in (1, 2)))
    span = {"from": "2026-01-01", "to": "2027-01-01"}
    mine = await desk.get("/v1/funnel", **span)

    theirs = (await desk.client.get("/v1/funnel", params=span, headers={"authorization": f"Bearer {key}"})).json()
    behind = await desk.client.get(mine["steps"][0]["leads"], headers={"authorization": f"Bearer {key}"})

    assert (mine["steps"][0]["entered"], theirs["steps"][0]["entered"], behind.json()["count"]) == (1, 2, 2)


async def test_a_key_without_the_scope_is_forbidden_and_none_is_unauthenticated(desk: Desk) -> None:
    _, key = await make_key(desk.dsn, "first", [Scope.LEADS_READ])
    await desk.reach.access.load()
    header = {"authorization": f"Bearer {key}"}

    answers = [
        (await desk.client.get("/v1/funnel", headers=header)).status_code,
        (await desk.client.post("/v1/reconcile", headers=header)).status_code,
        (await desk.client.get("/v1/funnel")).status_code,
        (await desk.client.get("/v1/leads?cell=x", headers={"cookie": "tragt_session=guessed"})).status_code,
    ]

    assert answers == [403, 403, 401, 401]


async def test_a_sign_in_link_works_once_and_gives_a_session_no_script_sees(desk: Desk) -> None:
    token = await _link(desk)

    first = await desk.client.get("/sign-in", params={"token": token})
    again = await desk.client.get("/sign-in", params={"token": token})
    seen = await desk.client.get("/v1/funnel")

    cookie = first.headers["set-cookie"]
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert all(
        word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={SESSION_LASTS // 10**6}")
    )
    assert token not in cookie
    assert (again.status_code, seen.status_code) == (401, 200)
    assert (await desk.client.post("/v1/reconcile")).status_code == 401


async def test_a_link_expires_and_a_browser_is_sent_to_the_page(desk: Desk) -> None:
    token = await _link(desk, age=DAY + HOUR)

    script = await desk.client.get("/sign-in", params={"token": token})
    browser = await desk.client.get("/sign-in", params={"token": token}, headers={"accept": "text/html"})

    assert script.status_code == 401
    assert (browser.status_code, "set-cookie" in browser.headers) == (303, False)


async def test_a_session_ends_when_it_is_over(desk: Desk) -> None:
    await desk.client.get("/sign-in", params={"token": await _link(desk)})
    async with desk.own.pool.acquire() as connection:
        await connection.execute("UPDATE metrics.sign_in SET expires_at = 0")

    assert (await desk.client.get("/v1/funnel")).status_code == 401


async def test_the_page_is_served_with_a_strict_policy_and_told_when_it_has_not_changed(desk: Desk) -> None:
    page = await desk.client.get("/")
    plotly = await desk.client.get("/dashboard/plotly.min.js")
    again = await desk.client.get("/dashboard/plotly.min.js", headers={"if-none-match": plotly.headers["etag"]})

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert b"plotly.js v" in plotly.content[:200]
    assert plotly.headers["content-encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["__init__.py", "..%2Fsettings.py", "nothing.js"])
async def test_nothing_but_the_files_of_the_page_is_served(desk: Desk, name: str) -> None:
    assert (await desk.client.get(f"/dashboard/{name}")).status_code == 404


async def test_the_examples_of_the_documentation_have_the_shape_of_answers(desk: Desk) -> None:
    await desk.tell(change(1, 1, {"cycle:1": fact(known=0, touch={"channel": "email"})}, desk.workspace))
    span = {"from": "2026-01-01", "to": "2027-01-01", "by": "channel"}
    funnel = await desk.get("/v1/funnel", **span)
    leads = (await desk.client.get(funnel["steps"][0]["leads"], headers=desk.bearer)).json()
    reconciled = (await desk.client.post("/v1/reconcile", headers=desk.bearer)).json()

    for answer, example in ((funnel, examples.FUNNEL), (leads, examples.LEADS), (reconciled, examples.RECONCILED)):
        assert answer.keys() == msgspec.to_builtins(example).keys()
    documented = (await desk.client.get("/openapi.json")).json()["paths"]
    assert {parameter["name"] for parameter in documented["/v1/funnel"]["get"]["parameters"]} >= {"from", "by", "tz"}


async def test_an_empty_workspace_reconciles_and_scoring_that_is_not_there_is_named(desk: Desk) -> None:
    answer = (await desk.client.post("/v1/reconcile", headers=desk.bearer)).json()

    assert answer["agrees"]
    assert (answer["fact"]["asked"], "METRICS_SCORING_URL" in answer["fact"]["reason"]) == (False, True)


async def test_a_reconcile_names_the_cells_that_are_wrong(desk: Desk) -> None:
    await desk.tell(change(1, 1, {"cycle:1": fact(known=0)}, desk.workspace))
    async with desk.own.pool.acquire() as connection:
        await connection.execute("UPDATE metrics.cell SET count = 3 WHERE calendar = 1")

    answer = (await desk.client.post("/v1/reconcile", headers=desk.bearer)).json()

    assert (answer["agrees"], answer["cell"]["differing"]) == (False, 1)
    assert (answer["cell"]["examples"][0]["kept"], answer["cell"]["examples"][0]["counted"]) == (3, 1)


async def test_an_unknown_workspace_has_no_numbers(desk: Desk) -> None:
    known = await desk.reach.cubes.known(uuid4())

    assert (known.late_count, known.model_version, dict(known.numbers)) == (0, 0, {})
