"""What happens to one person, written down in order as native touchpoints with their instants of delivery."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from services.cli.demo.catalog import Campaign, Device
from services.cli.demo.draw import Draw
from services.cli.demo.person import Person
from shared.clock import DAY, HOUR, MINUTE, SECOND, to_text
from shared.vocabulary import Channel, Kind

Json = dict[str, Any]

SITE: Final = "https://www.kold.example"
OPENS: Final = 7
CLOSES: Final = 16
"""Working hours in UTC: people of sales call, meet and sign within them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A touchpoint and the instant (microseconds) at which it reaches the door."""

    at: int
    touchpoint: Json


class Diary:
    """One person's story. ``now`` moves forward only; every entry gets the id ``<person>-<number>``.

    On the site people are a cookie, and after ``sign_in`` a user id too; mail, forms and the CRM know the address, the
    phone its number. Which keys a touchpoint carries is the whole point: joining them is the product's work.
    """

    def __init__(self, person: Person, draw: Draw, starts_at: int) -> None:
        self.person = person
        self.draw = draw
        self.now = starts_at
        self.deliveries: list[Delivery] = []
        self._device: Device = person.desktop
        self._cookie = person.cookie
        self._signed_in = False
        self._arriving: Campaign | None = None

    def wait(self, minutes: float) -> None:
        """Let some minutes pass, give or take."""
        self.now += int(self.draw.around(minutes) * MINUTE) + self.draw.whole(1, 59) * SECOND

    def later(self, days: float) -> None:
        """Come back some days later, at any hour of the waking day."""
        self.now += int(self.draw.around(days) * DAY)
        self.now += self.draw.whole(0, 5 * 60) * MINUTE

    def office_hours(self, days: float) -> None:
        """Some days later within working hours, never on a weekend."""
        day = (self.now + int(self.draw.around(days) * DAY)) // DAY
        weekday = (day + 3) % 7
        day += max(0, 7 - weekday) if weekday >= 5 else 0  # noqa: PLR2004 (Saturday is 5)
        moment = day * DAY + int(self.draw.between(OPENS, CLOSES) * HOUR)
        self.now = max(self.now + 20 * MINUTE, moment)

    def sign_in(self) -> None:
        """From now on the site knows the user id."""
        self._signed_in = True

    @contextmanager
    def on(self, device: Device, cookie: str) -> Iterator[None]:
        """Use another device (or someone else's) for a while."""
        before = self._device, self._cookie, self._signed_in
        self._device, self._cookie, self._signed_in = device, cookie, False
        yield
        self._device, self._cookie, self._signed_in = *before[:2], before[2] or self._signed_in

    def arrive(self, campaign: Campaign | None) -> None:
        """The next page is reached through this campaign; None is a direct visit."""
        self._arriving = campaign

    def page(self, path: str, title: str, **fields: Any) -> None:
        """View a page. The first of a visit carries the campaign and its channel, the others are plain web."""
        campaign, self._arriving = self._arriving, None
        channel = campaign.channel if campaign else Channel.WEB
        page = {"url": SITE + path, "path": path, "title": title}
        if campaign and campaign.channel in {Channel.SEARCH, Channel.SOCIAL, Channel.REFERRAL}:
            page["referrer"] = f"https://{campaign.source}.example/"
        self.site(Kind.PAGE_VIEWED, channel=channel, page=page, campaign=utm(campaign, self._next_id()), **fields)

    def site(self, kind: str, *, channel: Channel = Channel.WEB, reveals: bool = False, **fields: Any) -> None:
        """Something on the site or in the app; ``reveals`` when a form gives the address away."""
        identity: Json = {"anonymous_id": self._cookie}
        if self._signed_in:
            identity["user_id"] = f"user-{self.person.key}"
        if reveals:
            identity.update(email=self.person.email, account_id=self.person.company.account_id)
            fields.setdefault("traits", self.person.traits)
        context = {
            "user_agent": self._device.user_agent,
            "locale": self.person.locale,
            "time_zone": self.person.time_zone,
            "country": self.person.country,
        }
        self.write(kind, channel, identity, context=context, **fields)

    def mail(self, kind: str, campaign: Campaign, **fields: Any) -> None:
        """Something with a mail: the provider knows the address and nothing else."""
        self.write(kind, Channel.EMAIL, {"email": self.person.email}, campaign=utm(campaign), **fields)

    def call(self, kind: str, channel: Channel = Channel.PHONE, **fields: Any) -> None:
        """Something on the phone: the number, and the address once sales wrote it down."""
        self.write(kind, channel, {"phone": self.person.phone, "email": self.person.email}, **fields)

    def crm(self, kind: str, *, known_by_address: bool = True, channel: Channel = Channel.SALES, **fields: Any) -> None:
        """A fact of the CRM under its own id; the first one also carries the address."""
        identity: Json = {"external": {"hubspot": f"hs-{self.person.key}"}}
        if known_by_address:
            identity["email"] = self.person.email
        self.write(kind, channel, identity, **fields)

    def write(self, kind: str, channel: Channel, identity: Json, **fields: Any) -> None:
        """Add a touchpoint at ``now``; fields that are None or empty are left out."""
        touchpoint: Json = {
            "id": f"demo-{self._next_id()}",
            "occurred_at": to_text(self.now),
            "kind": str(kind),
            "channel": channel.value,
            "identity": identity,
        }
        touchpoint.update({name: value for name, value in fields.items() if value})
        self.deliveries.append(Delivery(self.now, touchpoint))

    def _next_id(self) -> str:
        return f"{self.person.key}-{len(self.deliveries)}"


def utm(campaign: Campaign | None, click_id: str = "") -> Json | None:
    """The campaign as a touchpoint carries it; only ads have a click id."""
    if campaign is None:
        return None
    fields = {"source": campaign.source, "medium": campaign.medium, "name": campaign.name}
    if campaign.click:
        fields["click_id"] = f"{campaign.click}:{click_id}"
    return {name: value for name, value in fields.items() if value}
