"""Unknown query parameters are an error that names the near ones: a misspelt filter must not silently do nothing."""

from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from shared.errors import FieldFault, InvalidRequest


async def refuse_unknown_parameters(request: Request) -> None:
    """Raise InvalidRequest when the query holds a name the route does not declare. A dependency of every route."""
    if not request.query_params:
        return
    known = _declared(request.scope.get("route"))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        raise InvalidRequest(*(FieldFault(name, "unknown_parameter", _advice(name, known)) for name in unknown))


def _declared(route: Any) -> set[str]:
    if not isinstance(route, APIRoute):
        return set()
    return {field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)}


def _advice(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return f"unknown parameter; did you mean {' or '.join(near)}?"
    return f"unknown parameter; known are: {', '.join(sorted(known)) or 'none'}"
