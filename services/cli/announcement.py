"""What ``tragt up`` says once everything is ready."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from services.cli.layout import Ports
from services.cli.place import Credentials, credentials_path
from shared.database.roles import SERVICES

_PURPOSE = {"ingest": "send touchpoints here", "scoring": "ask for leads here", "metrics": "ask for the funnel here"}


@dataclass(frozen=True, slots=True)
class Announcement:
    """Where everything is. The keys' text is shown only when they were just made."""

    ports: Ports
    folder: Path
    keys: Credentials
    is_new: bool
    sign_in: str

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        addresses = {service: self.ports.address(service) for service in SERVICES}
        kept = str(credentials_path(self.folder))
        return {"ready": True, **addresses, "page": self.sign_in, "workspace": self.keys.workspace, "credentials": kept}

    def show(self, console: Console) -> None:
        """For people."""
        kept = credentials_path(self.folder)
        for service in SERVICES:
            console.print(f"{service:<12}{self.ports.address(service)}  [dim]{_PURPOSE[service]}[/]", highlight=False)
        for name, text in (("write key", self.keys.write_key), ("secret key", self.keys.secret_key)):
            told = text if self.is_new else f"[dim]in {kept}[/]"
            console.print(f"{name:<12}{told}", highlight=False, soft_wrap=True)
        if self.is_new:
            console.print(f"[dim]The keys are shown this once and kept in {kept}.[/]", soft_wrap=True)
        console.print(f"\nThe page, by a link that works once:\n  [bold]{self.sign_in}[/]\n", soft_wrap=True)
        console.print("[bold green]tragt is ready.[/] End it with Ctrl-C, or `tragt down`.", soft_wrap=True)
