"""The document says what the answers are: every example holds to its schema, and so does every real answer."""

from typing import Any

import jsonschema
import pytest

from shared.clock import DAY, HOUR
from tests.integration.scoring.api.service import T0, Service, id_of
from tests.scoring_driver import touchpoint

A1, U1 = "1anonymous_id:a1", "5user_id:u1"


@pytest.fixture
async def document(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = await service.get("/openapi.json")
    return found


def _schema(document: dict[str, Any], path: str, method: str = "get", status: str = "200") -> dict[str, Any]:
    content = document["paths"][path][method]["responses"][status]["content"]["application/json"]
    return {**content["schema"], "components": document["components"]}


async def test_every_example_holds_to_its_schema(document: dict[str, Any]) -> None:
    examples = [
        (path, method, status, answer["content"]["application/json"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        if path.startswith("/v1/") and "example" in answer.get("content", {}).get("application/json", {})
    ]

    assert len(examples) == 13
    for path, method, status, content in examples:
        if content.get("schema"):
            jsonschema.validate(content["example"], _schema(document, path, method, status))


async def test_every_answer_holds_to_its_schema(service: Service, document: dict[str, Any]) -> None:
    await service.scoring.deliver(
        [
            touchpoint(1, "page_viewed", T0, A1, page={"path": "/pricing"}, campaign={"source": "google"}),
            touchpoint(2, "identified", T0 + HOUR, U1, A1, traits={"seniority": "vp", "tags": ["a", 1, None]}),
            touchpoint(3, "order_completed", T0 + DAY, U1, value={"amount": "9.50", "currency": "EUR"}),
        ]
    )
    await service.relay()
    lead = "/v1/leads/{lead_id}"

    for path in (
        "/v1/leads",
        lead,
        f"{lead}/history",
        f"{lead}/ledger",
        f"{lead}/touchpoints",
        "/v1/changes",
        "/v1/models",
        "/v1/models/{version}",
    ):
        answer = await service.get(path.replace("{lead_id}", id_of(U1)).replace("{version}", "1"))
        jsonschema.validate(answer, _schema(document, path))


async def test_every_route_tells_what_it_refuses_with(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if path.startswith("/v1/"):
                assert {"401", "403", "422", "503"} <= set(operation["responses"]), path
