"""Places in somebody else's JSON, written as JMESPath, with the few functions that their payloads need beyond it.

Never raises on data: what an expression cannot be evaluated on is not there. Growth is bounded when it is compiled,
since ``[@, @] | [@, @] | ...`` doubles with every step.
"""

from collections.abc import Callable, Mapping
from json import JSONEncoder
from typing import Any, Final, TypeVar

import jmespath
import msgspec
from jmespath import functions
from jmespath.exceptions import EmptyExpressionError, IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.visitor import TreeInterpreter

from services.ingest.domain.kind import snake_case
from services.ingest.domain.landing import CLICK_GROUPS
from services.ingest.domain.machine import machine_of
from services.ingest.domain.nearest import one_of

MAX_EXPRESSION: Final = 2_000
_MAX_GROWTH: Final = 128
_MAX_LABEL: Final = 200
_MAX_MADE: Final = 1_000_000
"""Letters of the texts that one search makes. ``to_string`` in itself doubles all escapes, and ``join`` may put a long
text between many empty ones, so that neither is bounded by how often an expression repeats what it is given."""

_CHOICES: Final = frozenset({"or_expression", "and_expression", "comparator", "not_expression"})
_CHAINS: Final = frozenset({"pipe", "subexpression", "projection", "value_projection", "filter_projection"})
_FAULTS: Final = (ValueError, TypeError, ArithmeticError, RecursionError)
_MAX_STEPS: Final = 500_000
"""Of one search: parts of an expression times values that it looks at. Each takes about 0.4 us, in which nobody else is
served; to put together 10,000 items of ten fields each is within it."""

_Method = TypeVar("_Method", bound=Callable[..., Any])
_JSON: Final = msgspec.json.Decoder()
_WRITER: Final = JSONEncoder(separators=(",", ":"), default=str)
"""As JMESPath writes; piece by piece, so that it may be left off."""


class TooMuch(Exception):
    """To look for it there takes too many steps."""


class InvalidPlace(ValueError):
    """The text is no JMESPath expression, or one that may grow what it is given beyond reason."""


class Place:
    """A compiled expression."""

    __slots__ = ("_expression", "_settings", "multiplies", "size", "text")

    def __init__(self, text: str, settings: Mapping[str, Any] | None = None) -> None:
        """``settings`` are what the expression's function ``setting`` finds. Raises InvalidPlace."""
        if not 0 < len(text) <= MAX_EXPRESSION:
            message = f"a place is a JMESPath expression of at most {MAX_EXPRESSION} characters"
            raise InvalidPlace(message)
        try:
            self._expression = jmespath.compile(text)
            growth = _growth(self._expression.parsed)
            self.size = _size(self._expression.parsed)
            """Its parts, each of which may look at all that it is given."""
            _check_calls(self._expression.parsed)
        except (JMESPathError, RecursionError) as error:
            raise InvalidPlace(f"this is no JMESPath expression: {_why(error, text)}") from None
        if growth > _MAX_GROWTH:
            raise InvalidPlace("this expression multiplies what it is given too often")
        self._settings = settings or {}
        self.text = text
        self.multiplies = growth > 1
        """Whether what it finds may be larger than what it looked at."""

    def find(self, value: Any) -> Any:
        """What stands there; None when nothing does, when the expression does not fit what it finds, or when that takes
        too many steps."""
        try:
            return self.search(value)
        except TooMuch:
            return None

    def search(self, value: Any) -> Any:
        """The same, for what must not be missed. Raises TooMuch."""
        try:
            return _Search(self._settings).visit(self._expression.parsed, value)
        except _FAULTS:
            return None


class _Search(TreeInterpreter):
    """Evaluates an expression once."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(jmespath.Options(custom_functions=_Functions(settings)))
        self._left = _MAX_STEPS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """One step."""
        self._left -= 1
        if self._left < 0:
            raise TooMuch
        return super().visit(node, *args, **kwargs)


def _takes(*types: str) -> Callable[[_Method], _Method]:
    """Makes a method a function of expressions whose arguments are of these types; an empty one is any."""
    arguments: list[Any] = [{"types": [name] if name else []} for name in types]
    return functions.signature(*arguments)


class _Functions(functions.Functions):
    """JMESPath's own and these, for one search; a name after ``_func_`` is how it is called."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._left = _MAX_MADE

    @_takes("")
    def _func_to_string(self, value: Any) -> str:
        return value if isinstance(value, str) else "".join(map(self._made, _WRITER.iterencode(value)))

    @_takes("string", "array-string")
    def _func_join(self, separator: str, texts: list[str]) -> str:
        self._count(len(separator) * len(texts) + sum(map(len, texts)))
        return separator.join(texts)

    @_takes("string")
    def _func_setting(self, name: str) -> Any:
        """What the hook was set to; null where it was not."""
        return self._settings.get(name)

    @_takes("string")
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @_takes("string")
    def _func_snake(self, text: str) -> str:
        return snake_case(text[:_MAX_LABEL])

    @_takes("string", "string")
    def _func_split(self, text: str, separator: str) -> list[str]:
        """The parts between separators, trimmed, without empty ones."""
        return [part.strip() for part in text.split(separator or ",") if part.strip()]

    @_takes("")
    def _func_parse_json(self, text: Any) -> Any:
        """The value that a JSON text holds; anything else as it is."""
        try:
            return _JSON.decode(text) if isinstance(text, str) else text
        except (msgspec.MsgspecError, UnicodeError):
            return text

    @_takes("array", "string", "string")
    def _func_fields(self, rows: list[Any], name: str, value: str) -> dict[str, Any]:
        """``fields(@, 'name', 'values')``: a list of such pairs as one object, names in snake case."""
        named = ((row.get(name), row.get(value)) for row in rows if isinstance(row, dict))
        return {snake_case(key[:_MAX_LABEL]): first(said) for key, said in named if isinstance(key, str) and said}

    @_takes("object")
    def _func_labels(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The object with its names in snake case, and lists of one unwrapped: ``First name`` is ``first_name``."""
        return {snake_case(name[:_MAX_LABEL]): first(value) for name, value in said.items()}

    @_takes("object", "array")
    def _func_without(self, said: Mapping[str, Any], names: list[Any]) -> dict[str, Any]:
        """The object without these names."""
        gone = {name for name in names if isinstance(name, str)}
        return {name: value for name, value in said.items() if name not in gone}

    @_takes("", "object")
    def _func_renamed(self, said: Any, names: Mapping[str, Any]) -> Any:
        """An object's names, or a text, replaced by those that stand for them in ``names``; any other stays."""
        if isinstance(said, dict):
            return {names.get(name, name): value for name, value in said.items()}
        return names.get(said, said) if isinstance(said, str) else said

    @_takes("")
    def _func_machine(self, agent: Any) -> str | None:
        """What sort of machine that user agent is, if it is one: a mail program's proxy, a scanner of links."""
        return machine_of(agent, "", "GET") if isinstance(agent, str) and agent.strip() else None

    @_takes("object")
    def _func_click_id(self, said: Mapping[str, Any]) -> str | None:
        """The ad platform's click id among fields, as ``name:value``."""
        found = {name.lower(): first(value) for name, value in said.items() if first(value)}
        return next((f"{name}:{found[name]}" for name in CLICK_GROUPS if isinstance(found.get(name), str)), None)

    def _made(self, text: str) -> str:
        self._count(len(text))
        return text

    def _count(self, letters: int) -> None:
        self._left -= letters
        if self._left < 0:
            raise ValueError("texts that are too long")


def first(value: Any) -> Any:
    """The only element of a list of one; anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _why(error: Exception, text: str) -> str:
    """What is wrong with the text, and where."""
    if isinstance(error, IncompleteExpressionError | EmptyExpressionError):
        return "it ends too early"
    if isinstance(error, LexerError):
        return f"{error.message}, at character {error.lexer_position + 1} of {text}"
    if isinstance(error, ParseError):
        return f"unexpected {error.token_value}, at character {error.lex_position + 1} of {text}"
    return "it is nested too deep"


def _check_calls(node: Mapping[str, Any]) -> None:
    """Raise InvalidPlace when a function is not there, or not with so many arguments: nothing would ever be found."""
    if node["type"] == "function_expression":
        name, given, known = node["value"], len(node["children"]), _Functions.FUNCTION_TABLE
        if name not in known:
            raise InvalidPlace(f"there is no function {name}: {one_of(name, known)}")
        taken = known[name]["signature"]
        is_variadic = bool(taken) and taken[-1].get("variadic", False)
        if given < len(taken) or (given > len(taken) and not is_variadic):
            raise InvalidPlace(f"the function {name} takes {len(taken)} arguments, not {given}")
    for child in node["children"]:
        if isinstance(child, dict):
            _check_calls(child)


def _size(node: Mapping[str, Any]) -> int:
    if node["type"] == "literal":
        return _values_in(node["value"])
    return 1 + sum(_size(child) for child in node["children"] if isinstance(child, dict))


def _values_in(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_values_in, inner))


def _growth(node: Mapping[str, Any]) -> int:
    """By how much the expression may multiply what it is given: steps multiply, parts add up, one alternative holds."""
    kind = node["type"]
    counts = [_growth(child) for child in node["children"] if isinstance(child, dict)]
    if kind == "literal":
        return 0
    if kind in _CHOICES:
        return max(counts)
    if kind in _CHAINS:
        total = 1
        for count in counts:
            total = min(total * max(1, count), _MAX_GROWTH + 1)
        return total
    return min(max(1, sum(counts)), _MAX_GROWTH + 1)
