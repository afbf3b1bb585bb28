"""Alerts by e-mail: SMTP with STARTTLS or TLS, plain text in UTF-8, a message id that a second delivery repeats."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from cityhub import clock
from cityhub.errors import Retry, Stop
from cityhub.secrets import secret
from flow.notify.config import Mail
from flow.notify.message import Message


def letter(channel: Mail, message: Message, to: list[str]) -> EmailMessage:
    """The message as an e-mail."""
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = channel.sender
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{message.id}@{channel.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text() + "\n", cte="base64")
    return mail


def send(channel: Mail, message: Message, to: list[str]) -> None:
    """Deliver to the mail server. Raises `Retry` CH-ALERT-002 when it does not answer or asks to come again, `Stop`
    CH-ALERT-003 when it refuses."""
    everyone = to or list(channel.to)
    if not everyone:
        raise Stop("CH-ALERT-003", channel=channel.host, detail="there is no address to send to")
    tls = ssl.create_default_context(cafile=str(channel.ca_file) if channel.ca_file else None)
    try:
        with _connected(channel, tls) as server:
            if channel.user and channel.password:
                server.login(secret(channel.user), secret(channel.password))
            refused = server.send_message(letter(channel, message, everyone), channel.sender, everyone)
    except ssl.SSLError as error:
        raise Stop("CH-ALERT-003", channel=channel.host, detail=f"TLS: {error.reason}") from None
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        raise Stop("CH-ALERT-003", channel=channel.host, detail=_words(error)) from None
    except smtplib.SMTPResponseException as error:
        kind = Retry if 400 <= error.smtp_code < 500 else Stop
        raise kind(_code(kind), channel=channel.host, detail=_words(error)) from None
    except smtplib.SMTPRecipientsRefused as error:
        passing = all(400 <= code < 500 for code, _ in error.recipients.values())
        kind = Retry if passing else Stop
        raise kind(_code(kind), channel=channel.host, detail="the server takes none of the addresses") from None
    except (smtplib.SMTPException, OSError) as error:
        raise Retry("CH-ALERT-002", channel=channel.host, detail=f"{type(error).__name__} {error}"[:200]) from None
    if refused:
        raise Stop("CH-ALERT-003", channel=channel.host, detail=f"{len(refused)} of {len(everyone)} addresses refused")


def _connected(channel: Mail, tls: ssl.SSLContext) -> smtplib.SMTP:
    if channel.security == "ssl":
        return smtplib.SMTP_SSL(channel.host, channel.port, timeout=channel.timeout_s, context=tls)
    server = smtplib.SMTP(channel.host, channel.port, timeout=channel.timeout_s)
    if channel.security == "starttls":
        try:
            server.starttls(context=tls)
        except BaseException:
            server.close()
            raise
    return server


def _code(kind: type[Retry] | type[Stop]) -> str:
    return "CH-ALERT-002" if kind is Retry else "CH-ALERT-003"


def _words(error: Exception) -> str:
    said = getattr(error, "smtp_error", str(error))
    return said.decode("utf-8", "replace")[:200] if isinstance(said, bytes) else str(said)[:200]
