"""Conditions of a model: parsed once into small frozen values, compiled to functions of a lead at an instant.

The grammar and its exact meaning are in ``docs/models.md``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, assert_never

from services.scoring.domain.state import State
from services.scoring.domain.touchpoint import Touchpoint, field
from shared.vocabulary import Status

SECOND: Final = 1_000_000
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MOST_SECONDS: Final = 36_525 * 86_400
_MOST_DIGITS: Final = len(str(_MOST_SECONDS))
_MOST_COUNTED: Final = 1_000
"""So many instants a rule can make a lead's state hold."""
_DURATION: Final = re.compile(r"(\d+)([smhd])")


class InvalidModel(ValueError):
    """A model file says something that has no meaning; the message names the place and what is expected there."""


Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which touchpoints count: their kind, and tests on their fields (all must hold)."""

    kinds: tuple[str, ...]
    tests: tuple[tuple[tuple[str, ...], Test], ...]

    def matches(self, touchpoint: Touchpoint) -> bool:
        """Whether the tests hold; the caller has already looked at the kind."""
        for path, test in self.tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(field(touchpoint, path)):
                return False
        return True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every one holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The other one does not hold."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class Did:
    """Enough matching touchpoints in the cycle's memory; ``index`` is the matcher's place in the model."""

    index: int
    times: int
    within: int | None


@dataclass(frozen=True, slots=True)
class Touched:
    """Any touchpoint in the cycle's memory."""


@dataclass(frozen=True, slots=True)
class InStatus:
    """The present status is one of these."""

    statuses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Engaged:
    """Engagement, quantised, is at least this."""

    at_least: float


@dataclass(frozen=True, slots=True)
class Fits:
    """Fit is at least this."""

    at_least: float


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait passes a test; an unknown trait does not."""

    name: str
    test: Test


@dataclass(frozen=True, slots=True)
class Visits:
    """Enough visits in the whole life, or begun within a duration."""

    at_least: int
    within: int | None


@dataclass(frozen=True, slots=True)
class Orders:
    """Enough completed orders in the whole life."""

    at_least: int


@dataclass(frozen=True, slots=True)
class Inactive:
    """No touchpoint for this long."""

    duration: int


Condition = AnyOf | All | Not | Did | Touched | InStatus | Engaged | Fits | Trait | Visits | Orders | Inactive


class Now:
    """A lead's state at an instant, as conditions ask about it."""

    __slots__ = ("_engagement", "_score", "instant", "state")

    def __init__(self, state: State, instant: int, score: Callable[[State, int], float]) -> None:
        self.state, self.instant = state, instant
        self._score = score
        self._engagement: float | None = None

    @property
    def engagement(self) -> float:
        """Quantised engagement, computed when first asked for."""
        if self._engagement is None:
            self._engagement = self._score(self.state, self.instant)
        return self._engagement


Predicate = Callable[[Now], bool]


def compiled(condition: Condition) -> Predicate:  # noqa: C901, PLR0911, PLR0912 - one case per kind of condition
    """The condition as a function: a model is read once and asked millions of times."""
    match condition:
        case AnyOf(parts):
            return _any_of(tuple(compiled(part) for part in parts))
        case All(parts):
            return _all_of(tuple(compiled(part) for part in parts))
        case Not(part):
            inner = compiled(part)
            return lambda now: not inner(now)
        case Did(index, times, within):
            return _did(index, times, within)
        case Touched():
            return lambda now: now.state.remembered > 0
        case InStatus(statuses):
            return lambda now: now.state.status in statuses
        case Engaged(at_least):
            return lambda now: now.engagement >= at_least
        case Fits(at_least):
            return lambda now: now.state.fit >= at_least
        case Trait(name, test):
            return lambda now: test(now.state.traits.get(name))
        case Visits(at_least, within):
            return _visits(at_least, within)
        case Orders(at_least):
            return lambda now: now.state.orders >= at_least
        case Inactive(duration):
            return lambda now: now.instant - now.state.at >= duration
        case _:
            assert_never(condition)


def _any_of(parts: tuple[Predicate, ...]) -> Predicate:
    def holds(now: Now) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the parts
            if part(now):
                return True
        return False

    return holds


def _all_of(parts: tuple[Predicate, ...]) -> Predicate:
    def holds(now: Now) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the parts
            if not part(now):
                return False
        return True

    return holds


def _did(index: int, times: int, within: int | None) -> Predicate:
    if within is None:
        return lambda now: len(now.state.done.get(index, ())) >= times
    return lambda now: sum(now.instant - at <= within for at in now.state.done.get(index, ())) >= times


def _visits(at_least: int, within: int | None) -> Predicate:
    if within is None:
        return lambda now: now.state.visit_count >= at_least
    return lambda now: sum(now.instant - at <= within for at in now.state.visit_starts) >= at_least


_PLAIN_FIELDS: Final = frozenset({"channel", "country", "device"})
_NESTED_FIELDS: Final = {
    "page": frozenset({"path", "url", "title", "referrer"}),
    "campaign": frozenset({"source", "medium", "name", "term", "content", "id", "click_id"}),
    "value": frozenset({"amount", "currency"}),
}


class Parser:
    """Reads conditions of one model and numbers the matchers that its ``did`` conditions need."""

    def __init__(self) -> None:
        self.matchers: list[Matcher] = []
        self.dids: list[Did] = []
        self.longest_visits = 0

    def condition(self, source: Any, place: str) -> Condition:
        """Parse one condition. Raises InvalidModel naming ``place``."""
        name, body = _single(source, place)
        here = f"{place}.{name}"
        match name:
            case "any" | "all":
                if not isinstance(body, list) or not body:
                    raise InvalidModel(f"{here}: expected a list of conditions")
                parts = tuple(self.condition(part, f"{here}[{i}]") for i, part in enumerate(body))
                return AnyOf(parts) if name == "any" else All(parts)
            case "not":
                return Not(self.condition(body, here))
            case "did":
                return self._did(body, here)
            case "visits":
                _known(body, {"at_least", "within"}, here)
                within = duration(body["within"], here) if "within" in body else None
                visits = Visits(_count(body.get("at_least"), here), within)
                self.longest_visits = max(self.longest_visits, visits.at_least if within is not None else 0)
                return visits
            case _:
                return _simple(name, body, here)

    def _did(self, body: Any, place: str) -> Did:
        _known(body, {"kind", "where", "times", "within"}, place)
        within = duration(body["within"], place) if "within" in body else None
        did = Did(len(self.matchers), _count(body.get("times", 1), place), within)
        self.matchers.append(matcher({key: body[key] for key in ("kind", "where") if key in body}, place))
        self.dids.append(did)
        return did


def _simple(name: str, body: Any, place: str) -> Condition:  # noqa: PLR0911 - one line per kind of condition
    match name:
        case "touched" if body is True:
            return Touched()
        case "status":
            return InStatus(_statuses(body, place))
        case "engagement":
            return Engaged(_at_least(body, place))
        case "fit":
            return Fits(_at_least(body, place))
        case "trait":
            if not isinstance(body, dict) or not isinstance(body.get("name"), str):
                raise InvalidModel(f"{place}: expected {{name: ..., equals|in|prefix|at_least|present: ...}}")
            rest = {key: value for key, value in body.items() if key != "name"}
            return Trait(body["name"], _test(rest["equals"] if set(rest) == {"equals"} else rest, place))
        case "orders":
            return Orders(_count(body.get("at_least") if isinstance(body, dict) else None, place))
        case "inactive_for":
            return Inactive(duration(body, place))
        case _:
            raise InvalidModel(
                f"{place}: unknown condition; expected any, all, not, did, touched, status, engagement, fit, trait, "
                "visits, orders or inactive_for"
            )


def _statuses(body: Any, place: str) -> frozenset[str]:
    names = body if isinstance(body, list) else [body]
    if not all(isinstance(name, str) and name in set(Status) for name in names):
        raise InvalidModel(f"{place}: expected some of {', '.join(Status)}")
    return frozenset(names)


def matcher(source: Any, place: str) -> Matcher:
    """Parse ``{kind: ..., where: {...}}``. Raises InvalidModel naming ``place``."""
    _known(source, {"kind", "where"}, place)
    kinds = source.get("kind")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise InvalidModel(f"{place}.kind: expected a kind or a list of kinds")
    where = source.get("where", {})
    if not isinstance(where, dict):
        raise InvalidModel(f"{place}.where: expected a mapping of fields to tests")
    return Matcher(
        tuple(kinds), tuple((_path(name, place), _test(test, f"{place}.where.{name}")) for name, test in where.items())
    )


def duration(text: Any, place: str) -> int:
    """``30d``, ``12h``, ``45m`` or ``10s`` in microseconds. Raises InvalidModel naming ``place``."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidModel(f"{place}: expected a duration such as 30d, 12h, 45m or 10s, not {text!r}")
    seconds = int(found[1][:_MOST_DIGITS]) * _UNITS[found[2]]
    if len(found[1]) > _MOST_DIGITS or seconds > _MOST_SECONDS:
        raise InvalidModel(f"{place}: expected a duration of at most 100 years")
    return seconds * SECOND


def _path(name: Any, place: str) -> tuple[str, ...]:
    path = tuple(name.split(".")) if isinstance(name, str) else ()
    fine = (
        (len(path) == 1 and path[0] in _PLAIN_FIELDS)
        or (len(path) == 2 and path[1] in _NESTED_FIELDS.get(path[0], ()))  # noqa: PLR2004
        or (len(path) > 1 and path[0] == "properties")
    )
    if not fine:
        raise InvalidModel(f"{place}.where: unknown field {name!r}")
    return path


def _test(source: Any, place: str) -> Test:
    if isinstance(source, str | int | float):
        return lambda value: _equal(value, source)
    name, body = _single(source, place)
    match name:
        case "in" if isinstance(body, list) and all(isinstance(one, str | int | float) for one in body):
            return lambda value: any(_equal(value, one) for one in body)
        case "prefix" if isinstance(body, str):
            return lambda value: isinstance(value, str) and value.startswith(body)
        case "at_least" if _is_number(body):
            return lambda value: _is_number(value) and value >= body
        case "present" if body is True:
            return lambda value: value is not None
        case _:
            raise InvalidModel(f"{place}: expected a scalar or one of in, prefix, at_least, present")


def _equal(value: Any, wanted: Any) -> bool:
    return value is not None and isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _single(source: Any, place: str) -> tuple[str, Any]:
    if not isinstance(source, dict) or len(source) != 1:
        raise InvalidModel(f"{place}: expected a mapping with exactly one entry")
    ((name, body),) = source.items()
    return str(name), body


def _known(source: Any, names: set[str], place: str) -> None:
    if not isinstance(source, dict) or not set(source) <= names:
        raise InvalidModel(f"{place}: expected a mapping with {', '.join(sorted(names))}")


def _count(value: Any, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_COUNTED:
        raise InvalidModel(f"{place}: expected a whole number from 1 to {_MOST_COUNTED}")
    return value


def _at_least(body: Any, place: str) -> float:
    if not isinstance(body, dict) or set(body) != {"at_least"} or not _is_number(body["at_least"]):
        raise InvalidModel(f"{place}: expected {{at_least: number}}")
    return float(body["at_least"])
