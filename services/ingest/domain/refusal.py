"""Refusing one item: a closed code, where in the item, and what would be right. Never the value itself."""

from dataclasses import dataclass

from shared.vocabulary import Code


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item is refused. ``pointer`` is a JSON pointer into the item, empty for the whole of it."""

    code: Code
    pointer: str
    detail: str


class Refused(Exception):
    """Carries a refusal out of the middle of a parser, which no caller of the parser ever sees."""

    def __init__(self, code: Code, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(code, pointer, detail)
