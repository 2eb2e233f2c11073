"""Where an instance keeps its things, and the keys that let the command work without flags."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from shared.errors import Misconfigured

Data = Annotated[
    Path, typer.Option("--data", envvar="TRAGT_DATA", help="Folder of the instance.", show_default="./.tragt")
]
"""The option that every command about an instance takes."""

DEFAULT: Final = Path(".tragt")
_CREDENTIALS: Final = "credentials.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The first workspace and its keys."""

    workspace: str
    write_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def make_folder(folder: Path) -> Path:
    """The data folder, made if needed: others may pass through (the database's account), not look."""
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        return folder.resolve(strict=True)
    except OSError as error:
        raise Misconfigured(f"cannot use {folder} for data ({error.strerror}): choose another --data") from error


def read_credentials(folder: Path) -> Credentials | None:
    """The kept keys, or None. Raises Misconfigured when the file cannot be read."""
    path = folder / _CREDENTIALS
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise Misconfigured(f"cannot read the keys in {path} ({error}): remove it and new ones are made") from error


def keep_credentials(folder: Path, credentials: Credentials) -> None:
    """Write them so that only we can read them, whole or not at all."""
    beside = folder / f"{_CREDENTIALS}.new"
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(credentials)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.rename(folder / _CREDENTIALS)


def credentials_path(folder: Path) -> Path:
    """Where the keys are kept."""
    return folder / _CREDENTIALS
