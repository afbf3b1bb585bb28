"""A folder on an SFTP server. The server must prove who it is with the key that is set for it."""

from __future__ import annotations

import base64
import binascii
import errno
import socket
import stat
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko

from cityhub import secrets
from cityhub.errors import HubError, Retry, Stop, Unauthorised
from cityhub.spec.source import FilesSource
from connectors.folder import Entry
from connectors.network import explain
from connectors.retry import Transient

CONNECT_S = 10
READ_S = 60


class SftpFolder:
    """An open session in one folder."""

    def __init__(self, address: str, source: FilesSource, place: Mapping[str, Any]) -> None:
        """Connect; raises `Stop` CH-PULL-054 (host key), `Unauthorised` CH-PULL-007, network errors, and
        `Transient` around what may pass."""
        cut = urlsplit(address)
        self._host, self._port = cut.hostname or "", cut.port or 22
        self._path = unquote(cut.path) or "."
        self._place = place
        if not self._host:
            detail = "it needs the form sftp://host/folder"
            raise Stop("CH-PULL-020", value=address, detail=detail, **place)
        key = _host_key(source, self._host, place)
        self._transport = self._open(key, source)
        client = paramiko.SFTPClient.from_transport(self._transport)
        if client is None:
            raise Transient(Retry("CH-PULL-022", detail="the server opened no SFTP session", **place))
        self._client = client
        channel = client.get_channel()
        if channel is not None:
            channel.settimeout(READ_S)

    def _open(self, key: paramiko.PKey, source: FilesSource) -> paramiko.Transport:
        feed = self._place.get("feed")
        user = secrets.secret(source.user, feed=feed) if source.user else ""
        password = secrets.secret(source.password, feed=feed) if source.password else None
        try:
            wire = socket.create_connection((self._host, self._port), CONNECT_S)
        except OSError as error:
            raise self._transient(error) from error
        transport = paramiko.Transport(wire)
        try:
            transport.connect(hostkey=key, username=user, password=password)
        except paramiko.AuthenticationException as error:
            transport.close()
            names = ", ".join(filter(None, (source.user, source.password))) or "none"
            detail = str(error) or "authentication failed"
            raise Unauthorised("CH-PULL-007", detail=detail, names=names, **self._place) from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            transport.close()
            if "host key" in str(error).lower():
                detail = f"it shows another key than the one in {source.host_key}: {error}"
                name = source.host_key
                raise Stop("CH-PULL-054", host=self._host, detail=detail, name=name, **self._place) from None
            raise self._transient(error) from error
        return transport

    def _transient(self, error: BaseException) -> Exception:
        found: HubError = explain(error, host=self._host, port=self._port, seconds=CONNECT_S, **self._place)
        return Transient(found) if isinstance(found, Retry) else found

    def entries(self) -> list[Entry]:
        try:
            found = self._client.listdir_attr(self._path)
        except OSError as error:
            raise self._refused(error, self._path) from None
        files = [item for item in found if stat.S_ISREG(item.st_mode or 0)]
        return sorted(
            (Entry(item.filename, item.st_size or 0, float(item.st_mtime or 0)) for item in files),
            key=lambda entry: entry.name,
        )

    def read(self, name: str) -> bytes:
        try:
            with self._client.open(f"{self._path.rstrip('/')}/{name}", "rb") as file:
                file.prefetch()
                body: bytes = file.read()
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise self._refused(error, name) from None
        return body

    def where(self, name: str = "") -> str:
        folder = f"sftp://{self._host}:{self._port}{self._path}"
        return f"{folder.rstrip('/')}/{name}" if name else folder

    def close(self) -> None:
        self._client.close()
        self._transport.close()

    def _refused(self, error: BaseException, name: str) -> HubError:
        code = getattr(error, "errno", None)
        if code == errno.ENOENT:
            return Stop("CH-PULL-050", folder=self.where(), detail=f"{name} is not there", **self._place)
        if code == errno.EACCES:
            return Stop("CH-PULL-057", file=name, detail="the server denies it", **self._place)
        return explain(error, host=self._host, port=self._port, seconds=READ_S, **self._place)


def _host_key(source: FilesSource, host: str, place: Mapping[str, Any]) -> paramiko.PKey:
    """The server's key from a line as OpenSSH writes it: `[host] type base64 [comment]`."""
    wrong = {"host": host, **place}
    if not source.host_key:
        detail = "the spec names no setting with the server's key; without it anyone could pose as the server"
        raise Stop("CH-PULL-054", name="`host_key` in the spec", detail=detail, **wrong)
    words = secrets.address(source.host_key, feed=place.get("feed")).split()
    kinds = [place for place, word in enumerate(words[:-1]) if word.startswith(("ssh-", "ecdsa-"))]
    try:
        kind, coded = words[kinds[0]], words[kinds[0] + 1]
        return paramiko.PKey.from_type_string(kind, base64.b64decode(coded, validate=True))
    except (IndexError, binascii.Error, paramiko.SSHException, ValueError):
        detail = "the setting holds no key line such as `ssh-ed25519 AAAA…`"
        raise Stop("CH-PULL-054", name=source.host_key, detail=detail, **wrong) from None
