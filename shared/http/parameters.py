"""Unknown query parameters are an error that names the near ones: a misspelt filter must not silently do nothing."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from shared.errors import FieldFault, InvalidRequest


class StrictParameters:
    """A dependency of every route of one application; remembers what each route takes."""

    def __init__(self) -> None:
        self._known: dict[int, frozenset[str]] = {}

    async def __call__(self, request: Request) -> None:
        """Raise InvalidRequest when the query holds a name the route does not declare."""
        if not request.query_params:
            return
        route = request.scope.get("route")
        known = self._known.get(id(route))
        if known is None:
            known = self._known[id(route)] = declared(route)
        refuse_unknown(request.query_params, known)


def refuse_unknown(given: Iterable[str], known: frozenset[str]) -> None:
    """Raise InvalidRequest when one of the given names is not known."""
    unknown = [name for name in dict.fromkeys(given) if name not in known]
    if unknown:
        raise InvalidRequest(*(FieldFault(name, "unknown_parameter", _advice(name, known)) for name in unknown))


def declared(route: Any) -> frozenset[str]:
    """The query parameters a route takes: those of its function and dependencies, and those it only documents.

    A route that is asked thousands of times a second reads its query itself and names it in ``openapi_extra``.
    """
    if not isinstance(route, APIRoute):
        return frozenset()
    taken = {field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)}
    documented = (route.openapi_extra or {}).get("parameters", ())
    return frozenset(taken | {parameter["name"] for parameter in documented if parameter["in"] == "query"})


def _advice(name: str, known: frozenset[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return f"unknown parameter; did you mean {' or '.join(near)}?"
    return f"unknown parameter; known are: {', '.join(sorted(known)) or 'none'}"
