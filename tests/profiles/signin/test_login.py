"""A login in two steps, each in any process: what it stores, and what it refuses."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from profiles.errors import (
    Forbidden,
    InputError,
    SettingsError,
    SpotifyUnavailable,
    TrackerError,
    WrongAccount,
)
from profiles.settings import Settings, load_settings
from profiles.signin.consent import LoginDeclinedError, WrongStateError, finish_login, start_login
from profiles.signin.scopes import SCOPES
from profiles.spotify.client import SpotifyClient
from tests.support.user_at_consent import decide, with_values

if TYPE_CHECKING:
    from profiles.database import Database
    from profiles.signin.refresh import TokenStatus

SECRET_KEY = "a long random text of the user's own"


@pytest.fixture
def settings(spotify: Any, tracker_home: object, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in spotify.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SPOTIFY_REFRESH_TOKEN")
    return load_settings()


@pytest.fixture
def pkce(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("SPOTIFY_CLIENT_SECRET")
    return load_settings()


def query(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.transaction() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def status(settings: Settings, database: Database) -> TokenStatus:
    with closing(SpotifyClient(settings, database)) as client:
        return client.tokens.status()


def everything_stored(database: Database) -> str:
    return str(query(database, "select * from ops.tokens")) + str(
        query(database, "select * from ops.pending_logins")
    )


def test_a_consent_signs_in_and_its_age_is_known(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    signed_in = finish_login(settings, database, pending, decide(pending.address))
    assert signed_in.refused == ()
    now = status(settings, database)
    assert (now.is_valid, now.age_days, now.missing_scopes) == (True, 0, ())
    assert query(database, "select display_name from ops.account") == [(signed_in.display_name,)]
    with closing(SpotifyClient(settings, database)) as client:
        assert client.get("me")["display_name"] == signed_in.display_name


def test_the_second_step_works_with_the_state_alone(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    finish_login(load_settings(), database, pending.state, decide(pending.address))
    assert status(settings, database).is_signed_in


def test_every_permission_of_the_product_is_asked_for(settings: Settings, database: Database) -> None:
    asked = parse_qs(urlsplit(start_login(settings, database).address).query)["scope"][0].split()
    assert asked == [scope.name for scope in SCOPES]
    assert {"user-top-read", "user-library-modify", "user-library-read"} <= set(asked)


def test_with_a_secret_no_challenge_is_sent(settings: Settings, database: Database) -> None:
    assert "code_challenge" not in start_login(settings, database).address


def test_without_a_secret_the_login_uses_pkce(pkce: Settings, database: Database) -> None:
    pending = start_login(pkce, database)
    sent = parse_qs(urlsplit(pending.address).query)
    assert sent["code_challenge_method"] == ["S256"]
    finish_login(pkce, database, pending, decide(pending.address))
    assert status(pkce, database).is_valid


def test_a_code_cannot_be_used_by_another_login(pkce: Settings, database: Database) -> None:
    stolen = parse_qs(urlsplit(decide(start_login(pkce, database).address)).query)["code"][0]
    own = start_login(pkce, database)
    with pytest.raises(TrackerError, match="does not accept the code"):
        finish_login(pkce, database, own, with_values(decide(own.address), code=stolen))
    assert not status(pkce, database).is_signed_in


@pytest.mark.fault(22, "state")
def test_a_wrong_state_is_refused_without_using_up_the_login(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    answer = decide(pending.address)
    for forged in ("forged", "", "État"):
        with pytest.raises(InputError):
            finish_login(settings, database, pending, with_values(answer, state=forged))
    assert not status(settings, database).is_signed_in
    finish_login(settings, database, pending, answer)
    assert status(settings, database).is_signed_in


def test_the_answer_to_another_login_is_not_taken_for_this_one(
    settings: Settings, database: Database
) -> None:
    first, second = start_login(settings, database), start_login(settings, database)
    with pytest.raises(WrongStateError):
        finish_login(settings, database, second, decide(first.address))


def test_an_unknown_state_is_refused(settings: Settings, database: Database) -> None:
    answer = decide(start_login(settings, database).address)
    with pytest.raises(WrongStateError):
        finish_login(settings, database, None, with_values(answer, state="never-given-out"))


def test_a_redirected_address_can_be_used_once(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    answer = decide(pending.address)
    finish_login(settings, database, pending, answer)
    with pytest.raises(WrongStateError):
        finish_login(settings, database, pending, answer)
    assert status(settings, database).is_valid


def test_a_login_ends_after_ten_minutes(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    with database.transaction() as cursor:
        cursor.execute("update ops.pending_logins set expires_at = now() - interval '1 second'")
    with pytest.raises(InputError, match="too late"):
        finish_login(settings, database, pending, decide(pending.address))
    assert not status(settings, database).is_signed_in


def test_a_declined_consent_stores_nothing(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    with pytest.raises(LoginDeclinedError):
        finish_login(settings, database, pending, decide(pending.address, "cancel"))
    assert everything_stored(database) == "[][]"


def test_refused_permissions_are_stored_and_named(
    settings: Settings, database: Database, spotify: Any
) -> None:
    spotify.account.options.granted_scopes = ["user-library-read", "user-read-recently-played"]
    pending = start_login(settings, database)
    signed_in = finish_login(settings, database, pending, decide(pending.address))
    refused = {scope.name for scope in signed_in.refused}
    assert "playlist-modify-private" in refused
    assert "user-library-read" not in refused
    assert any("private smart playlists cannot be written" in line for line in signed_in.warnings)
    assert "playlist-modify-private" in status(settings, database).missing_scopes
    assert query(database, "select scope from ops.tokens") == [
        ("user-library-read user-read-recently-played",)
    ]


def test_another_account_is_refused_and_nothing_overwritten(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    finish_login(settings, database, pending, decide(pending.address))
    with database.transaction() as cursor:
        cursor.execute("update ops.account set account_id = 'hers', user_id = 'hers', display_name = 'Her'")
    before = query(database, "select refresh_token, authorized_at from ops.tokens")
    again = start_login(settings, database)
    with pytest.raises(WrongAccount, match="'Her'"):
        finish_login(settings, database, again, decide(again.address))
    assert query(database, "select refresh_token, authorized_at from ops.tokens") == before
    assert query(database, "select account_id from ops.account") == [("hers",)]


def test_a_login_wins_over_an_imported_token(
    settings: Settings, database: Database, spotify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_REFRESH_TOKEN", spotify.refresh_token)
    with closing(SpotifyClient(load_settings(), database)) as client:
        client.get("me")
    assert status(load_settings(), database).age_days is None
    pending = start_login(load_settings(), database)
    finish_login(load_settings(), database, pending, decide(pending.address))
    with closing(SpotifyClient(load_settings(), database)) as client:
        client.get("me")
    assert status(load_settings(), database).age_days == 0


def test_a_login_brings_back_a_sign_in_that_spotify_ended(
    settings: Settings, database: Database, spotify: Any
) -> None:
    first = start_login(settings, database)
    finish_login(settings, database, first, decide(first.address))
    spotify.tokens.revoke_refresh_tokens()
    with database.transaction() as cursor:
        cursor.execute("update ops.tokens set expires_at = now(), invalid_since = now()")
    again = start_login(settings, database)
    finish_login(settings, database, again, decide(again.address))
    assert status(settings, database).is_valid


def test_a_pending_login_is_stored_encrypted(
    pkce: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_SECRET_KEY", SECRET_KEY)
    sealed = load_settings()
    pending = start_login(sealed, database)
    assert pending.state not in everything_stored(database)
    assert query(database, "select is_encrypted from ops.pending_logins") == [(True,)]
    finish_login(sealed, database, pending, decide(pending.address))
    assert status(sealed, database).is_encrypted


def test_an_outage_of_the_accounts_service_is_no_refusal(
    settings: Settings, database: Database, spotify: Any
) -> None:
    pending = start_login(settings, database)
    answer = decide(pending.address)
    spotify.faults.add("server_error", method="POST", path="/api/token", times=10)
    with pytest.raises(SpotifyUnavailable):
        finish_login(settings, database, pending, answer)


def test_a_user_who_is_not_allow_listed_gets_the_remedy(
    settings: Settings, database: Database, spotify: Any
) -> None:
    pending = start_login(settings, database)
    answer = decide(pending.address)
    spotify.faults.add("not_allow_listed", method="GET", path="/me", times=10)
    with pytest.raises(Forbidden, match="User Management"):
        finish_login(settings, database, pending, answer)
    assert not status(settings, database).is_signed_in


@pytest.mark.parametrize(
    "pasted",
    ["", "yes", "http://127.0.0.1:8888/callback", "http://127.0.0.1:8888/callback?code=abc", "%s"],
)
def test_an_address_that_is_no_answer_is_explained(
    settings: Settings, database: Database, pasted: str
) -> None:
    pending = start_login(settings, database)
    with pytest.raises(InputError, match=r"[Pp]aste"):
        finish_login(settings, database, pending, pasted.replace("%s", pending.address))


def test_a_pasted_address_may_have_quotes_and_spaces(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    finish_login(settings, database, pending, f"  '{decide(pending.address)}' \n")
    assert status(settings, database).is_valid


def test_a_missing_app_is_explained_step_by_step(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIFY_CLIENT_ID")
    with pytest.raises(SettingsError, match=r"dashboard.*http://127\.0\.0\.1:8888/callback"):
        start_login(load_settings(), database)


@pytest.mark.parametrize(
    "address",
    ["http://localhost:8888/callback", "http://nas.local/callback", "callback", "http://127.0.0.1/?a=b"],
)
def test_a_redirect_address_that_spotify_refuses_is_refused_at_once(
    settings: Settings, database: Database, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_REDIRECT_URI", address)
    with pytest.raises(SettingsError, match="SPOTIFY_REDIRECT_URI"):
        start_login(load_settings(), database)


def test_nothing_of_a_login_prints_its_secrets(settings: Settings, database: Database) -> None:
    pending = start_login(settings, database)
    signed_in = finish_login(settings, database, pending, decide(pending.address))
    ((refresh_token, access_token),) = query(database, "select refresh_token, access_token from ops.tokens")
    assert refresh_token not in repr(signed_in)
    assert access_token not in repr(signed_in)
