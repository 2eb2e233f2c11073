"""The OpenAPI document, with examples as they are answered: the framework drops every null from them."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

_JSON = "application/json"


def keep_nulls(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Make the document show the examples of these routers unabridged."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for router in routers:
            for route in router.routes:
                if isinstance(route, APIRoute):
                    _restore(document, route)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the framework's own way to extend the document


def _restore(document: dict[str, Any], route: APIRoute) -> None:
    for status, answer in route.responses.items():
        example = answer.get("content", {}).get(_JSON, {}).get("example")
        for method in (route.methods or ()) if example is not None else ():
            answers = document["paths"][route.path_format][method.lower()]["responses"]
            answers[str(status)]["content"][_JSON]["example"] = example
