"""Certificates for tests: one authority, and what it signs for 127.0.0.1."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates into its folder as `<name>.pem` and `<name>.key`; its own is `ca.pem`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority of {folder.name}")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        _write(self._signed(self._name, self._key).add_extension(constraints, True), self._key, folder / "ca.pem")

    def sign(self, name: str, *, expired: bool = False) -> tuple[Path, Path]:
        """A certificate and its key; an expired one ended an hour ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        path = self.folder / f"{name}.pem"
        _write(self._signed(subject, key, expired=expired).add_extension(names, False), self._key, path)
        kind = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path.with_suffix(".key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *kind))
        return path, path.with_suffix(".key")

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC) - timedelta(days=2, hours=1) * expired
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
        )


def _write(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, path: Path) -> None:
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
