"""Certificates of an afternoon: an authority, and what it signs for the loopback address and for a client."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate and its key as PEM."""

    certificate: bytes
    key: bytes

    def store(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both; where they are."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        return certificate, key

    @property
    def in_one(self) -> bytes:
        """Key and certificate in one text, as Kafka wants its keystore."""
        return self.key + self.certificate


class Authority:
    """Signs certificates for a day."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests of tragt")])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = _pem(
            _begun(self._name, self._name, self._key).add_extension(constraints, critical=True), self._key
        )

    def sign(self, name: str) -> Signed:
        """A certificate of that name, good for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        begun = _begun(subject, self._name, key).add_extension(address, critical=False)
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return Signed(_pem(begun, self._key), key.private_bytes(encoding, form, serialization.NoEncryption()))


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 -- certificates are judged by the clock of the machine
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )


def _pem(begun: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return begun.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
