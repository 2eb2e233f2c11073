"""What the routes that speak the protocols of others answer, as OpenAPI says it; tests hold the answers to it."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from services.ingest import schemas
from services.ingest.api import ga4, touchpoints
from shared.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedEncoding,
)
from shared.http.problems import MEDIA_TYPE, responses

Answers = dict[int | str, dict[str, Any]]
"""By status, as FastAPI takes them."""

_JSON: Final = "application/json"
_TEXT: Final = "text/plain"
_GIF: Final = "image/gif"
_PAGE: Final = "text/html"
_REFUSED: Final = responses(
    InvalidRequest, Unauthenticated, Forbidden, TooLarge, UnsupportedEncoding, RateLimited, Unavailable
)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model in one piece: OpenAPI finds no definitions inside of a schema."""
    schema = model.model_json_schema()
    whole: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return whole


def _inlined(value: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_inlined(one, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        inner = definitions[value["$ref"].rpartition("/")[2]]
        value = {**inner, **{name: one for name, one in value.items() if name != "$ref"}}
    return {name: _inlined(one, definitions) for name, one in value.items()}


def _said(description: str, *media_types: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"schema": schema} if schema else {}
    return {"description": description, "content": {media: told if media == _JSON else {} for media in media_types}}


_RECEIPT: Final = _said("What is durable now.", _JSON, schema=schema_of(schemas.Receipt))
_RECEIPT["content"][_JSON]["example"] = {"accepted": 2, "rejected": []}
_NO_SUCH: Final = "It is no such request, or nothing of it could be taken."
_TOO_LARGE: Final = "It is too large; send it in smaller pieces."

_BY_TAG: Final[Mapping[str, Answers]] = {
    "touchpoints": {200: _RECEIPT},
    "cloudevents": {200: _RECEIPT},
    "segment": {
        200: _said("It is durable. In plain text to a key of RudderStack's profile.", _JSON, _TEXT),
        400: _said(_NO_SUCH, MEDIA_TYPE, _TEXT),
        413: _said(_TOO_LARGE, MEDIA_TYPE, _TEXT),
    },
    "rudderstack": {
        200: _said("It is durable.", _TEXT),
        400: _said(_NO_SUCH, _TEXT),
        413: _said(_TOO_LARGE, MEDIA_TYPE, _TEXT),
    },
    "posthog": {200: _said("It is durable.", _JSON), 400: _said(_NO_SUCH, MEDIA_TYPE)},
    "snowplow": {200: _said("It is durable.", _TEXT), 400: _said(_NO_SUCH, MEDIA_TYPE)},
    "ga4": {200: _said("What is wrong with it.", _JSON)},
}
_FETCHED: Final[Mapping[str, Answers]] = {
    "/v1/projects/{write_key}/settings": {200: _said("Where to send.", _JSON), **responses(NotFound)},
    "/v1/pixel/{call}": {200: _said("A point, whatever became of the call.", _GIF)},
    "/i": {200: _said("A point; what it tells is durable.", _GIF), **_REFUSED},
    "/r/tp2": {
        302: {"description": "On to `u`."},
        400: _said("Its site is not on the list.", MEDIA_TYPE),
        **responses(NotFound),
    },
}

PIXEL: Final[Answers] = {200: _said("A point, whatever became of it.", _GIF)}
CLICK: Final[Answers] = {
    302: {"description": "On to `to`."},
    400: _said("It may not be followed; why, for a person or a program.", _PAGE, MEDIA_TYPE),
    503: _said("Come again.", _PAGE, MEDIA_TYPE),
}
SCRIPT: Final[Answers] = {
    200: _said("The script.", "text/javascript"),
    304: {"description": "The browser's copy is the same."},
}
_UNSIGNED: Final = "It is not signed as it should be, or the secret in the address is wrong."
DELIVERY: Final[Answers] = {
    200: _said("It is durable, in the provider's own words.", _JSON, _TEXT, "text/xml"),
    401: _said(_UNSIGNED, _TEXT),
    403: _said("The provider's challenge was not made with our secret.", _TEXT),
    406: _said(_UNSIGNED, _TEXT),
    **responses(NotFound, TooLarge, UnsupportedEncoding, RateLimited, Unavailable),
}


def answers_of_posting(tag: str, path: str) -> Answers:
    """Of a posting route."""
    if path == ga4.PATH:
        return {204: {"description": "It is durable, whatever the events were."}, **_REFUSED}
    return {**_REFUSED, **_BY_TAG.get(tag, {})}


def answers_of_fetching(path: str) -> Answers:
    """Of a fetched route that OpenAPI shows."""
    return _FETCHED.get(path, {})


def success_of(answers: Answers) -> int:
    """Its status when all is well."""
    return min((int(status) for status in answers), default=200)


def body_of(tag: str, path: str, example: Mapping[str, Any]) -> dict[str, Any]:
    """The request of a posting route. Google's take any body, and say what is wrong with it or nothing at all."""
    if path == touchpoints.PATH:
        return _body(schema_of(schemas.Touchpoints), example)
    return _body({} if tag == "ga4" else {"type": "object"}, {"a call": {"value": example}}, is_required=tag != "ga4")


def _body(schema: Mapping[str, Any], shown: Mapping[str, Any], *, is_required: bool = True) -> dict[str, Any]:
    content = {_JSON: {"schema": schema, "examples": shown}}
    return {"requestBody": {"required": is_required, "content": content}}
