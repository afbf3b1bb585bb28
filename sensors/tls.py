"""TLS of a client: which authority it trusts, and the certificate it shows."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityhub.errors import Stop
from cityhub.secrets import secret, secrets_dir
from sensors.broker import Broker


def client_context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's certificate and name checked. Raises `Stop` CH-PUSH-024 for files that cannot be
    used (never with their content), CH-CONF-001 for a name that nothing knows.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if broker.ca:
            with _file(broker.ca) as ca:
                context.load_verify_locations(ca)
        else:
            context.load_default_certs()
        if broker.cert and broker.key:
            with _file(broker.cert) as cert, _file(broker.key) as key:
                # without a password of ours the library would ask the terminal for that of an encrypted key
                context.load_cert_chain(cert, key, password=lambda: "")
    except OSError as error:  # SSLError is one
        detail = error.strerror or str(error)
        raise Stop("CH-PUSH-024", address=broker.shown, detail=detail, files=_named(broker)) from None
    return context


def _named(broker: Broker) -> str:
    return ", ".join(f"{name}={value}" for name in ("ca", "cert", "key") if (value := getattr(broker, name)))


@contextmanager
def _file(name: str) -> Iterator[Path]:
    """The file behind a path or a name; PEM text from the environment or the scheduler is one while needed."""
    if "/" in name:
        yield Path(name)
        return
    path = secrets_dir() / name
    if path.is_file():
        yield path
        return
    text = secret(name)
    fd, made = tempfile.mkstemp(prefix="cityhub-", suffix=".pem")  # readable by us alone
    try:
        with os.fdopen(fd, "w", encoding="ascii", errors="replace") as file:
            file.write(text.replace("\\n", "\n") + "\n")
        yield Path(made)
    finally:
        Path(made).unlink(missing_ok=True)
