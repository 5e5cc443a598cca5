"""What the mails say, and which addresses of mail servers are understood."""

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from infrastructure.mail.transports import (
    Letter,
    MailFolder,
    Smtp,
    already_verified_letter,
    compose,
    known_address_letter,
    mail_transport,
    reset_letter,
    verification_letter,
)
from tests.identity.people import code_in, text_of

LETTERS = [
    verification_letter("012345"),
    verification_letter("012345", again=datetime(2025, 3, 1, 11, 58, tzinfo=UTC)),
    reset_letter("012345"),
    known_address_letter(),
    already_verified_letter(),
]


def made(letter: Letter) -> EmailMessage:
    at = datetime(2025, 3, 1, 12, tzinfo=UTC)
    return compose(letter, "Shop <shop@shop.test>", "ada@shop.test", at)


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.subject)
def test_a_mail_has_a_text_and_an_html_part_that_say_the_same(letter: Letter) -> None:
    text = " ".join(text_of(made(letter)).split())
    html = " ".join(html_of(made(letter)).split())
    for part in (letter.before, letter.code, letter.after):
        assert part is None or part in text
        assert part is None or part in html


@pytest.mark.parametrize("letter", LETTERS[:3], ids=lambda letter: letter.subject)
def test_the_code_stands_alone_on_a_line(letter: Letter) -> None:
    assert code_in(made(letter)) == "012345"


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.subject)
def test_a_mail_can_be_read_without_decoding(letter: Letter) -> None:
    source = made(letter).as_string()
    assert "quoted-printable" not in source
    assert "base64" not in source


def test_a_mail_says_that_a_machine_sent_it() -> None:
    mail = made(LETTERS[0])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert str(mail["Message-ID"]).endswith("@shop.test>")
    assert mail["Date"] == "Sat, 01 Mar 2025 12:00:00 +0000"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:1025", Smtp("127.0.0.1", 1025)),
        ("smtp://mail.test", Smtp("mail.test", 25)),
        ("smtps://mail.test", Smtp("mail.test", 465, tls=True)),
        ("smtp://mail.test?starttls", Smtp("mail.test", 587, starttls=True)),
        ("smtps://me:a%40b%2Fc@mail.test", Smtp("mail.test", 465, True, False, "me", "a@b/c")),
        ("smtp://[::1]:1025", Smtp("::1", 1025)),
    ],
)
def test_a_mail_server_is_named_by_a_url(url: str, server: Smtp) -> None:
    assert Smtp.parse(url) == server


@pytest.mark.parametrize(
    "url",
    ["", "mail.test:25", "http://mail.test", "smtp://", "smtp://me:secret@mail.test:port",
     "smtps://me:secret@mail.test?starttls", "smtp://mail.test?tls", "smtp://mail.test/path"],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address such as") as refused:
        Smtp.parse(url)
    assert "secret" not in str(refused.value)


def test_the_text_of_a_mail_server_does_not_hold_its_password() -> None:
    assert "secret" not in repr(Smtp.parse("smtp://me:secret@mail.test"))


def test_the_url_decides_how_mails_leave(tmp_path: Path) -> None:
    assert mail_transport("smtp://mail.test", tmp_path) == Smtp("mail.test", 25)
    assert mail_transport(None, tmp_path) == MailFolder(tmp_path / "mail")
