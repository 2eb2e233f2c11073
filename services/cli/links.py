"""``tragt links``: signed links for mails and ads, and the key with which other programs sign them."""

import base64
import hashlib
from typing import Annotated
from urllib.parse import urlencode

import typer

from services.cli.call import Address, Commands, DatabaseCall, beginning
from services.cli.context import Given
from services.cli.exits import Ended, Exit, endings
from services.cli.instance import address_of
from services.cli.place import read_credentials
from services.ingest.domain.target import origin_of
from services.ingest.protocols.links import SIGNATURE, Route, signature_of, signing_key
from shared.access import AccessKey, KeyKind
from shared.database.access import load_keys
from shared.identity_key import normalise_email

links = Commands("Sign links for mails and ads.")

Target = Annotated[str, typer.Argument(help="Where a click leads. Left out, it is a pixel that tells of an open.")]
WriteKey = Annotated[str, typer.Option("--write-key", help="Write key of the links, or how it begins; else the kept.")]
Email = Annotated[str, typer.Option("--email", help="Whom the mail is for; only its SHA-256 stands in the link.")]
UserId = Annotated[str, typer.Option("--user-id", help="Whom the mail is for, by your own id.")]
External = Annotated[str, typer.Option("--external", help="Whom the mail is for, as SYSTEM:ID, such as hubspot:77.")]
MailId = Annotated[str, typer.Option("--id", help="Which mail or ad it is.")]
KindText = Annotated[str, typer.Option("--kind", help="What happened; else email_opened or email_link_clicked.")]
Campaign = Annotated[str, typer.Option("--campaign", help="Name of the campaign.")]
Source = Annotated[str, typer.Option("--source", help="Source of the campaign, such as newsletter.")]
Medium = Annotated[str, typer.Option("--medium", help="Medium of the campaign, such as email.")]
Content = Annotated[str, typer.Option("--content", help="Which of several links in it.")]
Alone = Annotated[bool, typer.Option("--alone", help="Do not tell the landing page who came.")]


@links.command(epilog="Example: tragt links sign https://shop.example/sale --email ann@example.com --id newsletter-7")
def sign(
    call: DatabaseCall,
    target: Target = "",
    email: Email = "",
    user_id: UserId = "",
    external: External = "",
    mail_id: MailId = "",
    kind: KindText = "",
    campaign: Campaign = "",
    source: Source = "",
    medium: Medium = "",
    content: Content = "",
    alone: Alone = False,
    write_key: WriteKey = "",
    address: Address = "",
) -> None:
    """Print a signed click link, or a signed pixel."""
    if target and origin_of(target) is None:
        raise Ended(Exit.MISUSED, f"{target!r} is no plain http or https address, such as https://shop.example/sale")
    key = _key(call, write_key)
    said = {
        "k": key.prefix,
        "to": target,
        "email_sha256": hashlib.sha256(normalise_email(email).encode()).hexdigest() if email else "",
        "user_id": user_id,
        "external": external,
        "id": mail_id,
        "kind": kind,
        "campaign": campaign,
        "source": source,
        "medium": medium,
        "content": content,
        "join": "0" if alone else "",
    }
    fields = {name: value for name, value in said.items() if value}
    route = Route.CLICK if target else Route.PIXEL
    signature = signature_of(route, fields, signing_key(key.secret, key.prefix))
    path = "/v1/click" if target else "/v1/pixel.gif"
    link = f"{address or address_of(call.data, 'ingest')}{path}?{urlencode({**fields, SIGNATURE: signature})}"
    call.show({"link": link}, lambda around, _: around.tell(link))


@links.command("key")
def show_key(call: DatabaseCall, write_key: WriteKey = "") -> None:
    """Print the key that signs the links of a write key, for programs that send mails."""
    key = _key(call, write_key)
    text = base64.urlsafe_b64encode(signing_key(key.secret, key.prefix)).decode()
    call.show({"write_key": key.prefix, "signing_key": text}, _show_key)


def _show_key(around: Given, made: dict[str, str]) -> None:
    around.tell(made["signing_key"])
    around.say(
        f"It signs links with k={made['write_key']}. Keep it as secret as a secret key; a new write key has a new one."
    )


def _key(call: DatabaseCall, write_key: str) -> AccessKey:
    """The write key of the links. Raises Ended."""
    with endings():
        kept = read_credentials(call.data) if not write_key else None
    text = write_key or (kept.write_key if kept else "")
    if not text:
        raise Ended(
            Exit.MISUSED, f"there is no key in {call.data}: name one with --write-key, or the folder with --data"
        )
    prefix = beginning(text)
    found = [key for key in call.do(load_keys) if key.prefix == prefix]
    if not found or found[0].kind is not KeyKind.WRITE:
        raise Ended(Exit.NO, f"there is no valid write key {prefix}: see `tragt keys list`")
    return found[0]
