"""Errors as problems: one table, nothing echoed."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message

from shared.clock import ManualClock
from shared.errors import (
    Conflict,
    FieldFault,
    Forbidden,
    Gone,
    InvalidRequest,
    Misconfigured,
    NotFound,
    Oversized,
    RateLimited,
    TooLarge,
    TragtError,
    Transient,
    Unauthenticated,
    Unavailable,
    UnsupportedEncoding,
)
from shared.http.app import create_app
from shared.http.health import Health
from shared.http.pagination import decode_cursor, encode_cursor
from shared.http.problems import problem_of, responses
from shared.telemetry import Telemetry

_STATUSES: list[tuple[type[TragtError], int]] = [
    (InvalidRequest, 422),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Gone, 410),
    (TooLarge, 413),
    (Oversized, 413),
    (UnsupportedEncoding, 415),
    (RateLimited, 429),
    (Unavailable, 503),
    (Transient, 503),
    (Misconfigured, 500),
]


class _Body(BaseModel):
    name: str
    inner: dict[str, int] = {}
    amount: int = Field(default=1, ge=1)


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/raise")
    async def raise_error(name: str) -> None:
        if name == "bug":
            raise ZeroDivisionError
        raise next(error for error, _ in _STATUSES if error.__name__ == name)

    @router.get("/list")
    async def list_things(limit: Annotated[int, Query(ge=1)] = 1, status: str | None = None) -> dict[str, Any]:
        return {"limit": limit, "status": status}

    @router.post("/raw")
    async def take(request: Request) -> int:
        return len(await request.body())

    @router.post("/things")
    async def make(body: _Body) -> _Body:
        return body

    @router.get("/things")
    async def things() -> int:
        return 0

    @router.delete("/things/{name}")
    async def remove(name: str) -> str:
        return name

    return router


def _app() -> ASGIApp:
    return create_app(
        title="t",
        version="1",
        description="d",
        routers=[_router()],
        resources={},
        checks=Health(ManualClock(0)),
        telemetry=Telemetry(),
    )


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as opened:
        yield opened


def test_a_name_with_half_of_a_surrogate_pair_is_told() -> None:
    told = msgspec.json.decode(problem_of(InvalidRequest(FieldFault("/a\ud800", "unknown_field", "no \ud800"))).body())

    assert told["errors"] == [{"pointer": "/a?", "code": "unknown_field", "detail": "no ?"}]


@pytest.mark.parametrize(("error", "status"), _STATUSES)
async def test_each_error_has_its_status_and_its_code(
    client: httpx.AsyncClient, error: type[TragtError], status: int
) -> None:
    answer = await client.get("/raise", params={"name": error.__name__})

    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told["status"] == status
    assert told["code"] == (error.code if status != 500 else "internal")
    assert told["message"] == told["detail"]
    assert {"type", "title", "errors"} <= set(told)
    assert ("retry-after" in answer.headers) == (status in {429, 503})


async def test_bug_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise", params={"name": "bug"})

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "ZeroDivision" not in answer.text


async def test_client_that_hangs_up_amid_its_body_is_no_fault_of_ours() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)

    said: list[Message] = []
    scope = {"type": "http", "method": "POST", "path": "/raw", "headers": [], "query_string": b"", "state": {}}

    await _app()(scope, receive, send)

    assert said[0]["status"] == 400


async def test_wrong_field_is_named_and_its_value_is_not(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", json={"inner": {"a/b": "secret"}, "amount": 0})

    faults = {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}
    assert answer.status_code == 422
    assert faults == {"/name": "missing", "/inner/a~1b": "wrong_type", "/amount": "invalid_value"}
    assert "secret" not in answer.text


async def test_body_that_is_no_json_is_422(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", content=b"{'name': 1}", headers={"content-type": "application/json"})

    (fault,) = answer.json()["errors"]
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (fault["pointer"], fault["code"]) == ("", "not_json")
    assert "(character 1)" in fault["detail"]


async def test_body_that_is_not_said_to_be_json_is_told_the_header(client: httpx.AsyncClient) -> None:
    answers = [
        await client.post("/things", content=b'{"name": "x"}', headers=headers)
        for headers in ({"content-type": "application/x-www-form-urlencoded"}, {})
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("Content-Type: application/json" in answer.json()["detail"] for answer in answers)
    as_text = await client.post("/things", content=b'"x"', headers={"content-type": "application/json"})
    assert "Content-Type" not in as_text.json()["detail"]


@pytest.mark.parametrize(
    ("query", "near"), [("limits=2", "limit"), ("statuss=x", "status"), ("zzz=1", "known are: limit, status")]
)
async def test_unknown_parameter_names_the_near_ones(client: httpx.AsyncClient, query: str, near: str) -> None:
    answer = await client.get(f"/list?{query}")

    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["code"]) == (422, "unknown_parameter")
    assert near in fault["detail"]


async def test_known_parameters_pass(client: httpx.AsyncClient) -> None:
    assert (await client.get("/list?limit=2&status=mql")).json() == {"limit": 2, "status": "mql"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/list", 405), ("GET", "/list/", 404)]
)
async def test_what_is_not_there_is_a_problem_and_no_redirect(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/things", "GET, POST"), ("BREW", "/things/x", "DELETE"), ("DELETE", "/openapi.json", "GET, HEAD")],
)
async def test_method_that_is_not_there_is_told_all_that_are(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.headers.get_list("allow")) == (405, [allowed])
    assert f"takes {allowed}" in answer.json()["detail"]


def test_error_below_one_of_the_table_has_its_status() -> None:
    class Late(Unavailable):
        """Too late."""

    assert problem_of(Late()).status == 503


def test_responses_document_what_is_answered() -> None:
    assert set(responses(NotFound, Gone)) == {404, 410}


def test_cursor_comes_back_as_it_was() -> None:
    assert decode_cursor("things", encode_cursor("things", (5, "a")), tuple[int, str]) == (5, "a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "!!!",
        encode_cursor("others", (5, "a")),
        encode_cursor("things", ("a", 5)),
        encode_cursor("things", (5,)),
    ],
)
def test_cursor_that_is_none_of_this_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_cursor("things", text, tuple[int, str])

    assert caught.value.faults == (
        FieldFault("after", "invalid_cursor", "pass the `next` of the answer before, unchanged"),
    )
