"""Mails: what they say, and the two ways that they leave: by SMTP, or as files."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from html import escape
from pathlib import Path
from textwrap import fill
from typing import Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import structlog

from domain.message import message

log = structlog.get_logger()

LINE = 72  # characters
OPERATION_TIMEOUT = 15.0  # seconds for each step of an SMTP dialogue
SEND_TIMEOUT = 45.0  # seconds for all of them

Stage = Literal["connection", "greeting", "EHLO", "AUTH", "MAIL FROM", "RCPT TO", "DATA", "folder"]
Make = Callable[[], Awaitable[EmailMessage]]
# At any other stage the answer is to all mails, not to one.
OF_ONE_MAIL: frozenset[Stage] = frozenset({"RCPT TO", "DATA"})
STAGES: dict[type[aiosmtplib.SMTPException], Stage] = {
    aiosmtplib.SMTPConnectResponseError: "greeting",
    aiosmtplib.SMTPHeloError: "EHLO",
    aiosmtplib.SMTPAuthenticationError: "AUTH",
    aiosmtplib.SMTPSenderRefused: "MAIL FROM",
    aiosmtplib.SMTPRecipientRefused: "RCPT TO",
    aiosmtplib.SMTPDataError: "DATA",
}


class NotSent(Exception):
    """A mail was not taken. Its text may hold the recipient's address, once a server knows that.

    `for_good`: the server said 5xx, which it will say again (RFC 5321, 4.2.1).
    """

    def __init__(self, stage: Stage, reply: str, *, for_good: bool = False) -> None:
        super().__init__(reply)
        self.stage = stage
        self.for_good = for_good

    @property
    def concerns_all(self) -> bool:
        """Whether any other mail would have been answered the same."""
        return self.stage not in OF_ONE_MAIL

    @classmethod
    def because(cls, error: aiosmtplib.SMTPException | OSError) -> "NotSent":
        """What an SMTP dialogue has ended with."""
        if isinstance(error, aiosmtplib.SMTPResponseException):
            stage = STAGES.get(type(error), "connection")
            return cls(stage, f"{error.code} {error.message}", for_good=500 <= error.code < 600)
        return cls("connection", f"{type(error).__name__}: {error}")


@message
class Letter:
    """What a mail says. Nothing in it was written by whoever made the shop send it: a sign-up must
    not be a way to mail a text of one's own to somebody else."""

    subject: str
    before: str
    code: str | None
    after: str


def verification_letter(code: str, *, again: datetime | None = None) -> Letter:
    """For who signed up; `again`: where the address was signed up before, and not verified, the
    last time that it was."""
    warning = (
        " This address was signed up more than once: the code belongs to the last time,"
        f" {again:%d %B %Y at %H:%M} UTC, and to the password that was chosen then. If that was not"
        " you, do not use it; sign up again."
        if again
        else ""
    )
    return Letter(
        "Your verification code",
        "Somebody, hopefully you, signed up at the shop with this e-mail address."
        " This code confirms that the address is yours:",
        code,
        "It is valid for 15 minutes."
        + (warning or " If it was not you, ignore this mail: without the code, nothing happens."),
    )


def reset_letter(code: str) -> Letter:
    """For who forgot the password."""
    return Letter(
        "Your code for a new password",
        "Somebody, hopefully you, asked for a new password at the shop."
        " This code lets you choose one:",
        code,
        "It is valid for 15 minutes."
        " If it was not you, ignore this mail: your password stays as it is.",
    )


def known_address_letter() -> Letter:
    """For who has an account, when somebody signs up with the same address."""
    return Letter(
        "You already have an account",
        "Somebody, perhaps you, tried to sign up at the shop with this e-mail address."
        " It already has an account, which stays as it is.",
        None,
        "If it was you: sign in with your password, or ask for a new one if you forgot it."
        " If it was not you, there is nothing to do.",
    )


def already_verified_letter() -> Letter:
    """For who asks for a verification code and needs none."""
    return Letter(
        "Your e-mail address is verified",
        "Somebody, perhaps you, asked for a verification code for this e-mail address."
        " None is needed: the address is verified already.",
        None,
        "You can sign in with your password, or ask for a new one if you forgot it.",
    )


def sender_of(mail_from: str) -> str:
    """The address alone, out of such as `Shop <shop@example.com>`."""
    return parseaddr(mail_from)[1]


def compose(letter: Letter, sender: str, recipient: str, at: datetime) -> EmailMessage:
    """The mail, as text and as HTML. The code stands alone on a line of the text."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = make_msgid(domain=sender_of(sender).rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    parts = [part for part in (letter.before, letter.code, letter.after) if part]
    # Lines that are short enough need no encoding: such a mail can be read as it is.
    mail.set_content("\n\n".join(fill(part, LINE) for part in parts) + "\n")
    mail.add_alternative(_html(letter), subtype="html")
    return mail


def _html(letter: Letter) -> str:
    code = (
        f'<p style="font: bold 2em monospace; letter-spacing: 0.2em">{escape(letter.code)}</p>\n'
        if letter.code
        else ""
    )
    return (
        '<!doctype html>\n<html lang="en">\n'
        f"<head><title>{escape(letter.subject)}</title></head>\n"
        '<body style="font-family: sans-serif; max-width: 36em">\n'
        f"{_paragraph(letter.before)}{code}{_paragraph(letter.after)}</body>\n</html>\n"
    )


def _paragraph(text: str) -> str:
    return fill(f"<p>{escape(text)}</p>", LINE) + "\n"


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server."""

    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "Smtp":
        """`smtp://host`, `smtp://host?starttls` or `smtps://host`, with `user:password@` and a port
        where needed; both percent-encoded. Raises ValueError, without the password in it."""
        wrong = "is not an address such as smtp://user:password@mail.example.com:587?starttls"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(wrong) from None
        starttls = parts.query == "starttls"
        plain = parts.scheme == "smtp"
        if (
            not parts.hostname
            or (not plain and parts.scheme != "smtps")
            or parts.path not in ("", "/")
            or (parts.query and not (plain and starttls))
        ):
            raise ValueError(wrong)
        usual = 587 if starttls else 25 if plain else 465
        return cls(
            parts.hostname,
            usual if port is None else port,
            not plain,
            starttls,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        )

    async def send(self, sender: str, recipient: str, make: Make, mail_id: UUID) -> None:
        """Send the mail that `make` makes: once the server has taken the sender and the recipient,
        so that none is made in vain. Raises NotSent, and whatever `make` does."""
        server = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls,
            start_tls=self.starttls,
            username=self.user,
            password=self.password,
            timeout=OPERATION_TIMEOUT,
        )
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await server.connect()
                await server.mail(sender)
                await server.rcpt(recipient)
                mail = await make()
                await server.data(mail.as_bytes(policy=policy.SMTP))
            # The mail is gone, however they part.
            with suppress(aiosmtplib.SMTPException, OSError):
                await server.quit()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotSent.because(error) from error
        finally:
            server.close()
        await log.ainfo("mail sent", mail_id=str(mail_id))


@message
class MailFolder:
    """A folder that mails are written to, for who has no mail server at hand."""

    path: Path

    async def send(self, sender: str, recipient: str, make: Make, mail_id: UUID) -> None:
        """Write the mail that `make` makes, once there is a file for it. Raises NotSent, and
        whatever `make` does."""
        file = self.path / f"{mail_id}.eml"
        unfinished = file.with_suffix(".part")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            unfinished.touch(mode=0o600)
            unfinished.write_bytes((await make()).as_bytes())
            unfinished.replace(file)
        except OSError as error:
            raise NotSent("folder", str(error)) from error
        await log.ainfo("mail written", file=str(file))


def mail_transport(smtp_url: str | None, data_dir: Path) -> Smtp | MailFolder:
    """The mail server of the URL; without one, the folder `mail` in the data directory.

    Raises ValueError when the URL is none.
    """
    return Smtp.parse(smtp_url) if smtp_url else MailFolder(data_dir / "mail")
