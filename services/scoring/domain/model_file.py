"""A model as somebody wrote it: read, and held to its form and to sizes that the fold can afford, before it counts."""

import re
from typing import Annotated, Any, Final

import msgspec
import yaml

from services.scoring.domain.condition import InvalidModel
from services.scoring.domain.model import Model, parse

MOST_BYTES: Final = 131_072
"""Of a model as text; the b2b template has a twentieth of it."""
_MOST_DEPTH: Final = 40
_AT: Final = " - at `$"
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Points = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
_Condition = dict[str, Any]


class _Part(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What has fields of a name, and no others."""


class _Limit(_Part, frozen=True):
    min: float | msgspec.UnsetType = msgspec.UNSET
    max: float | msgspec.UnsetType = msgspec.UNSET


class _PointsRule(_Part, frozen=True):
    name: _Name
    when: _Condition
    points: _Points
    once: bool = False
    max_per_day: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None


class _Group(_Part, frozen=True):
    name: _Name
    rules: Annotated[list[_PointsRule], msgspec.Meta(max_length=200)] = []
    half_life: str = "14d"
    limit: _Limit = _Limit()


class _Engagement(_Part, frozen=True):
    groups: Annotated[list[_Group], msgspec.Meta(max_length=50)] = []
    half_life: str = "14d"
    limit: _Limit = _Limit()


class _FitRule(_Part, frozen=True):
    name: _Name
    when: _Condition
    points: _Points


class _Fit(_Part, frozen=True):
    rules: Annotated[list[_FitRule], msgspec.Meta(max_length=200)] = []
    limit: _Limit = _Limit()


class _StatusRule(_Part, frozen=True, rename={"sources": "from"}):
    when: _Condition
    unless: _Condition | None = None
    cool_down: str = "0s"
    sources: list[str] = []


class _Stage(_Part, frozen=True):
    name: _Name
    enter_when: _Condition
    reenter_when: _Condition | None = None
    label: dict[str, str] = {}


class _Identity(_Part, frozen=True):
    infer_email_owner: bool = True


class _ModelFile(_Part, frozen=True):
    name: _Name
    version: int = 0
    identity: _Identity = _Identity()
    visit_gap: str = "30m"
    engagement: _Engagement = _Engagement()
    fit: _Fit = _Fit()
    statuses: dict[str, _StatusRule] = {}
    stages: Annotated[list[_Stage], msgspec.Meta(max_length=50)] = []


def loaded(text: str) -> Any:
    """What a model says as YAML (or JSON), in JSON's types: a date is text."""
    return msgspec.json.decode(msgspec.json.encode(yaml.safe_load(text)))


def read(text: str) -> Any:
    """The same of a text that may be anything. Raises InvalidModel with the line."""
    try:
        _check_events(text)
        return loaded(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InvalidModel(f"{where}{error.problem}") from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, InvalidModel):
            raise
        raise InvalidModel("this is no YAML that a model can be") from error


def _check_events(text: str) -> None:
    """Before anything is made of it: aliases could make it many times as large, and depth costs its square to read."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH:
            raise InvalidModel(f"a model is nested at most {_MOST_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            raise InvalidModel("a model has no anchors and aliases: write it out")


def checked(source: Any) -> Model:
    """The model of what was read. Raises InvalidModel naming the place and what is expected there."""
    try:
        form = msgspec.convert(source, _ModelFile)
        _check_names("engagement.groups", [group.name for group in form.engagement.groups])
        for number, group in enumerate(form.engagement.groups):
            _check_names(f"engagement.groups[{number}].rules", [rule.name for rule in group.rules])
            _check_limit(f"engagement.groups[{number}].limit", group.limit)
        _check_names("stages", [stage.name for stage in form.stages])
        _check_limit("engagement.limit", form.engagement.limit)
        _check_limit("fit.limit", form.fit.limit)
        return parse(source)
    except msgspec.ValidationError as error:
        said, at, path = str(error).partition(_AT)
        place = path.rstrip("`").removeprefix(".")
        raise InvalidModel(f"{place}: {_lower(said)}" if at and place else _lower(said)) from error
    except OverflowError as error:
        raise InvalidModel("a number is too large") from error


def pointer(error: InvalidModel) -> str:
    """Where a model is wrong, as a JSON pointer into it; empty for all of it."""
    place, found, _ = str(error).partition(": ")
    if not found or " " in place:
        return ""
    head, where, field = place.partition(".where.")
    steps = [step for step in re.split(r"[.\[\]]+", head) if step]
    return "".join(f"/{step}" for step in [*steps, *(["where", field] if where else [])])


def _check_names(place: str, names: list[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise InvalidModel(f"{place}[{number}].name: {name!r} is there already")


def _check_limit(place: str, limit: _Limit) -> None:
    if limit.min is not msgspec.UNSET and limit.max is not msgspec.UNSET and limit.min > limit.max:
        raise InvalidModel(f"{place}: expected min not above max")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
