"""The people of the demo: who they are, at which company, with which devices."""

from dataclasses import dataclass
from typing import Final

from services.cli.demo import catalog
from services.cli.demo.draw import Draw

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Where a person works; its id joins the people of one account in reports, never into one lead."""

    account_id: str
    name: str
    domain: str
    employees: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone with a stable ``key`` of (seed, day, number), from which every id they use is made."""

    key: str
    first_name: str
    last_name: str
    seniority: str
    company: Company
    country: str
    locale: str
    time_zone: str
    phone: str
    desktop: catalog.Device
    handheld: catalog.Device
    cookie: str

    @property
    def email(self) -> str:
        """Their address; the key makes it unique among namesakes."""
        return f"{self.first_name}.{self.last_name}.{self.key}@{self.company.domain}".lower()

    @property
    def traits(self) -> dict[str, str | int]:
        """What a form or the CRM knows about them."""
        return {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "seniority": self.seniority,
            "company": self.company.name,
            "employees": self.company.employees,
            "country": self.country,
        }


def person_key(seed: int, day: int, number: int) -> str:
    """A short name, different for every (seed, day below 100,000, number below 1,000)."""
    value, text = (seed * 100_000 + day) * 1_000 + number, ""
    while value:
        value, digit = divmod(value, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text


def make_company(draw: Draw, key: str) -> Company:
    """A company with its own domain under ``.example``."""
    name = f"{draw.pick(catalog.PLACES)} {draw.pick(catalog.TRADES)}"
    slug = name.lower().replace(" ", "-")
    return Company(
        account_id=f"acc-{key}", name=name, domain=f"{slug}.example", employees=draw.weighted(catalog.EMPLOYEES)
    )


def make_person(
    draw: Draw, key: str, phone: str, *, company: Company | None = None, cookie: str | None = None
) -> Person:
    """A person. ``company`` when they work with someone we met, ``cookie`` when they use someone else's browser."""
    country, locale, time_zone = draw.weighted(catalog.COUNTRIES)
    return Person(
        key=key,
        first_name=draw.pick(catalog.FIRST_NAMES),
        last_name=draw.pick(catalog.LAST_NAMES),
        seniority=draw.weighted(catalog.SENIORITIES),
        company=company or make_company(draw, key),
        country=country,
        locale=locale,
        time_zone=time_zone,
        phone=phone,
        desktop=draw.weighted(catalog.DESKTOPS),
        handheld=draw.weighted(catalog.HANDHELDS),
        cookie=cookie or f"ck-{key}",
    )
