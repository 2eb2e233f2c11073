"""How the brokers are reached: addresses, encryption, and who we are to them."""

import ssl
from collections.abc import Mapping
from typing import Any

from shared.errors import Misconfigured
from shared.settings import LogSettings

Brokers = Mapping[str, Any]
"""What every client of aiokafka is given to reach them."""


def brokers_of(settings: LogSettings) -> Brokers:
    """Raises Misconfigured when a certificate or its key cannot be read."""
    reach: dict[str, Any] = {
        "bootstrap_servers": ",".join(settings.kafka_servers),
        "security_protocol": settings.kafka_security.upper(),
    }
    if settings.kafka_security.endswith("ssl"):
        reach["ssl_context"] = _encryption(settings)
    if settings.kafka_security.startswith("sasl") and settings.kafka_password is not None:
        reach["sasl_mechanism"] = settings.kafka_mechanism
        reach["sasl_plain_username"] = settings.kafka_user
        reach["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return reach


def _encryption(settings: LogSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
        if settings.kafka_certificate_file is not None:
            context.load_cert_chain(settings.kafka_certificate_file, settings.kafka_key_file)
    except OSError as error:  # ssl.SSLError is one
        raise Misconfigured(f"a certificate for Kafka cannot be read (..._LOG_KAFKA_*_FILE): {error}") from error
    return context
