"""Questions to the services over HTTP, answered or ended with the right exit code."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from services.cli.exits import Ended, Exit, named
from shared.errors import FieldFault

_TIMEOUT_SECONDS: Final = 60.0
_REFUSED: Final = frozenset({401, 403})
_KEYS: Final = "(the key of --key, TRAGT_KEY or the data folder; `tragt keys create` makes one)"
_NOT_FOUND: Final = 404
_ERRORS: Final = 400


class Api:
    """One service, with a key."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.key = key

    def get(self, path: str, parameters: Mapping[str, str | list[str]] | None = None) -> dict[str, Any]:
        """The answer to a GET; parameters without a value are not asked with. Raises Ended."""
        return self._ask("GET", path, parameters, _TIMEOUT_SECONDS)

    def post(
        self, path: str, body: Mapping[str, Any] | None = None, timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> dict[str, Any]:
        """The answer to a POST. Raises Ended."""
        return self._ask("POST", path, None, timeout_seconds, body)

    def post_yaml(self, path: str, text: bytes) -> dict[str, Any]:
        """The answer to a POST of YAML. Raises Ended."""
        return self._ask("POST", path, None, _TIMEOUT_SECONDS, text=text)

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a PATCH. Raises Ended."""
        return self._ask("PATCH", path, None, _TIMEOUT_SECONDS, body)

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a PUT. Raises Ended."""
        return self._ask("PUT", path, None, _TIMEOUT_SECONDS, body)

    def _ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str | list[str]] | None,
        timeout_seconds: float,
        body: Mapping[str, Any] | None = None,
        text: bytes | None = None,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        if text is not None:
            headers["Content-Type"] = "application/yaml"
        try:
            answer = httpx.request(
                method,
                f"{self.address}{path}",
                params={name: value for name, value in (parameters or {}).items() if value},
                json=body,
                content=text,
                headers=headers,
                timeout=timeout_seconds,
                trust_env=False,
            )
        except httpx.TransportError as error:
            raise Ended(Exit.AWAY, f"{self.address} does not answer ({error}): see `tragt doctor`") from error
        if answer.status_code >= _ERRORS:
            raise refused(answer)
        found: dict[str, Any] = msgspec.json.decode(answer.content)
        return found


def refused(answer: httpx.Response) -> Ended:
    """How a command ends that a service refuses."""
    if answer.status_code in _REFUSED:
        return Ended(Exit.REFUSED, f"{told(answer).rstrip('.')} {_KEYS}")
    if answer.status_code == _NOT_FOUND:
        return Ended(Exit.NO, told(answer))
    return Ended(Exit.AWAY if answer.is_server_error else Exit.MISUSED, told(answer))


def told(answer: httpx.Response) -> str:
    """What a service says is wrong, and where."""
    try:
        problem = msgspec.json.decode(answer.content)
        return named(msgspec.convert(problem.get("errors") or [], list[FieldFault])) or str(problem["detail"])
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return f"{answer.request.url} answered {answer.status_code}"
