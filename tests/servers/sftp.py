"""An SFTP server of a test's own: paramiko's, over a real folder, on a free loopback port."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_UNKNOWN_CHANNEL_TYPE,
    OPEN_SUCCEEDED,
)

USER, PASSWORD = "drop-user", "sftp-pw-4/1"


@dataclass(frozen=True)
class Sftp:
    """The running server; `key_line` is what an installation must know of it."""

    port: int
    key_line: str

    @property
    def address(self) -> str:
        return f"sftp://127.0.0.1:{self.port}"


class _Gate(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == (USER, PASSWORD)
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_UNKNOWN_CHANNEL_TYPE


def _files(root: Path) -> type[SFTPServerInterface]:
    class Files(SFTPServerInterface):
        def _real(self, path: str) -> Path:
            return root / path.lstrip("/")

        def list_folder(self, path: str) -> list[SFTPAttributes] | int:
            try:
                return [SFTPAttributes.from_stat(item.stat(), item.name) for item in self._real(path).iterdir()]
            except OSError as error:
                return SFTPServer.convert_errno(error.errno or 0)

        def stat(self, path: str) -> SFTPAttributes | int:
            try:
                return SFTPAttributes.from_stat(self._real(path).stat())
            except OSError as error:
                return SFTPServer.convert_errno(error.errno or 0)

        lstat = stat

        def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle | int:
            try:
                file = self._real(path).open("rb")
            except OSError as error:
                return SFTPServer.convert_errno(error.errno or 0)
            handle = SFTPHandle(flags)
            handle.readfile = file  # type: ignore[attr-defined]  # the place where SFTPHandle.read looks
            handle.stat = lambda: SFTPAttributes.from_stat(os.fstat(file.fileno()))  # type: ignore[method-assign]
            return handle

    return Files


@contextmanager
def sftp(root: Path) -> Iterator[Sftp]:
    """A server over `root` for the time of a `with` block."""
    key = paramiko.ECDSAKey.generate()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(wire)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", SFTPServer, _files(root))
            transports.append(transport)
            try:
                transport.start_server(server=_Gate())
            except (paramiko.SSHException, EOFError, OSError):  # a client that left at once
                transport.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Sftp(listener.getsockname()[1], f"{key.get_name()} {key.get_base64()} test")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for transport in transports:
            transport.close()
        thread.join()
