"""Settings: what is accepted, what is refused, and how that is said."""

import stat
from pathlib import Path

import pytest

from infrastructure.settings import Settings, SettingsError, load_settings, unknown_settings

KEY = "k" * 32
OTHER_KEY = "o" * 40


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHOP_{name.upper()}", raising=False)


def test_nothing_has_to_be_set() -> None:
    settings = load_settings()
    assert settings.embedded
    assert (settings.host, settings.port, settings.currency) == ("127.0.0.1", 8000, "USD")


def test_an_empty_value_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT", "")
    assert load_settings().port == 8000


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SHOP_PORT", "abc", "SHOP_PORT: 'abc' is not a port number"),
        ("SHOP_PORT", "65536", "SHOP_PORT: '65536' is not a port number"),
        ("SHOP_CURRENCY", "usd", "SHOP_CURRENCY: 'usd' is not a currency such as USD"),
        ("SHOP_LIMITS", "maybe", "SHOP_LIMITS: 'maybe' is not on or off"),
        ("SHOP_LOG_LEVEL", "loud", "SHOP_LOG_LEVEL: 'LOUD' is not one of debug, info,"),
        ("SHOP_LOG_FORMAT", "xml", "SHOP_LOG_FORMAT: 'xml' is not console or json"),
        ("SHOP_API_PROCESSES", "0", "SHOP_API_PROCESSES: '0' is not a number from 1 to 64"),
        ("SHOP_HOPS_PER_COMMIT", "-1", "SHOP_HOPS_PER_COMMIT: '-1' is not a number of hops"),
        ("SHOP_MAIL_FROM", "nobody", "SHOP_MAIL_FROM: 'nobody' is not a mail address"),
        ("SHOP_MAIL_FROM", "a@łódź.pl", "SHOP_MAIL_FROM: 'a@łódź.pl' is not a mail address"),
        ("SHOP_MAIL_FROM", "a@b.c\nBcc: x@y.z", "SHOP_MAIL_FROM: 'a@b.c\\nBcc: x@y.z' is not"),
        ("SHOP_CORS_ORIGINS", "https://a.b/c", "SHOP_CORS_ORIGINS: 'https://a.b/c' is not"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_should_have_been(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(complaint)
    assert "\n" not in str(refused.value)


def test_a_mistyped_setting_is_told_with_what_was_meant() -> None:
    names = [
        "SHOP_PROT",
        "SHOP_DATABASE_ULR",
        "SHOP_PORT",
        "shop_host",
        "PATH",
        "SHOP_SERVICE_HOST",
    ]
    assert unknown_settings(names) == [
        "SHOP_DATABASE_ULR is no setting; did you mean SHOP_DATABASE_URL?",
        "SHOP_PROT is no setting; did you mean SHOP_PORT?",
        "SHOP_SERVICE_HOST is no setting",
    ]


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT", "abc")
    monkeypatch.setenv("SHOP_CURRENCY", "euro")
    with pytest.raises(SettingsError, match=r"SHOP_PORT.*; SHOP_CURRENCY"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_DATABASE_URL", "secret-but-no-address"),
        ("SHOP_SECRET_KEY", "secret-too-short"),
        ("SHOP_SECRET_KEY", f"{KEY},secret-too-short"),
        ("SHOP_SMTP_URL", "http://user:secret@host"),
        ("SHOP_SMTP_URL", "smtp://user:secret@host:70000"),
    ],
)
def test_a_wrong_secret_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: the value is not ") as refused:
        load_settings()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("set_to", "required"), [("", None), ("*", ""), ("s3cret", "s3cret")])
def test_administrators_sign_up_only_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, set_to: str, required: str | None
) -> None:
    monkeypatch.setenv("SHOP_ADMIN_CODE", set_to)
    assert load_settings().required_admin_code == required


def test_several_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_CORS_ORIGINS", "https://shop.example, http://localhost:3000")
    assert load_settings().cors_origins == ("https://shop.example", "http://localhost:3000")


def test_the_first_of_several_keys_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET_KEY", f"{KEY},{OTHER_KEY}")
    assert load_settings().signing_keys() == (KEY, OTHER_KEY)


def test_a_key_is_made_once_and_readable_by_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path / "data"))
    made = load_settings().signing_keys()
    assert len(made[0]) >= 32
    assert load_settings().signing_keys() == made
    files = list((tmp_path / "data").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]


def test_a_data_directory_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match=r"^SHOP_DATA_DIR: '.*file' cannot be used: "):
        load_settings().signing_keys()


def test_no_key_is_made_for_a_database_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://host/shop")
    with pytest.raises(SettingsError, match="SHOP_SECRET_KEY: must be set"):
        load_settings().signing_keys()
