from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from profiles.clock import real_now
from profiles.errors import AuthorizationLost, SettingsError, SpotifyUnavailable, WrongAccount
from profiles.signin.refresh import end_of_life
from profiles.signin.token_endpoint import Grant
from profiles.signin.token_store import StoredToken, TokenStore
from tests.support.scripted_server import Answer, Scripted

if TYPE_CHECKING:
    from profiles.database import Database
    from profiles.session import Session
    from tests.conftest import OpenClient

REFUSED = Answer(400, {"error": "invalid_grant", "error_description": "Refresh token revoked"})


def ask(database: Database, query: str) -> list[tuple[Any, ...]]:
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


def expire(database: Database) -> None:
    ask(database, "update ops.tokens set expires_at = now()")


def test_processes_share_one_access_token(open_client: OpenClient, script: Scripted) -> None:
    for _ in range(2):
        with open_client() as client:
            client.get("me/tracks")
    assert script.calls("/api/token") == 1
    assert script.calls("/v1/me") == 1


def test_an_expired_token_is_renewed_and_the_old_refresh_token_kept(
    open_client: OpenClient, script: Scripted, database: Database
) -> None:
    script.token.append(
        Answer(body={"access_token": "access-second", "refresh_token": None, "expires_in": 3600})
    )
    with open_client() as client:
        client.get("me/tracks")
    expire(database)
    with open_client() as client:
        client.get("me/tracks")
    assert ask(database, "select access_token, refresh_token from ops.tokens") == [
        ("access-second", "scripted-refresh-token")
    ]


def test_a_new_refresh_token_is_kept(open_client: OpenClient, script: Scripted, database: Database) -> None:
    script.token.append(Answer(body={"access_token": "access-second", "refresh_token": "rotated"}))
    with open_client() as client:
        client.get("me/tracks")
        client.tokens.renew(client.tokens.get_access_token())
    assert ask(database, "select refresh_token from ops.tokens") == [("rotated",)]


def test_processes_that_need_a_new_token_at_once_ask_for_one(
    open_client: OpenClient, script: Scripted, database: Database
) -> None:
    def work() -> None:
        with open_client() as client:
            client.get("me/tracks")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert script.calls("/api/token") == 1
    assert script.calls("/v1/me/tracks") == 4


def lose_sign_in(open_client: OpenClient, script: Scripted, database: Database) -> None:
    """Sign in; let Spotify refuse the next token, and two clients notice."""
    with open_client() as client:
        client.get("me/tracks")
    expire(database)
    script.token.clear()
    script.token.append(REFUSED)
    for _ in range(2):
        with open_client() as client, pytest.raises(AuthorizationLost, match="tracker login"):
            client.get("me/tracks")


def test_an_ended_sign_in_is_noticed_once_and_not_tried_again(
    open_client: OpenClient, script: Scripted, database: Database
) -> None:
    lose_sign_in(open_client, script, database)
    assert script.calls("/api/token") == 2  # the first sign-in, and the one refusal
    assert ask(database, "select invalid_since is not null, refresh_token from ops.tokens") == [
        (True, "scripted-refresh-token")
    ]


def test_a_new_token_in_the_settings_replaces_an_ended_sign_in(
    open_client: OpenClient, script: Scripted, database: Database
) -> None:
    lose_sign_in(open_client, script, database)
    script.token.append(Answer(body={"access_token": "access-again"}))
    script.token.popleft()
    with open_client(spotify_refresh_token=SecretStr("another-refresh-token")) as client:
        client.get("me/tracks")
    assert ask(database, "select invalid_since, refresh_token from ops.tokens") == [
        (None, "another-refresh-token")
    ]


def test_a_token_that_is_refused_at_its_import_is_not_tried_again(
    open_client: OpenClient, script: Scripted
) -> None:
    script.token.clear()
    script.token.append(REFUSED)
    for _ in range(2):
        with open_client() as client, pytest.raises(AuthorizationLost, match="SPOTIFY_REFRESH_TOKEN"):
            client.get("me/tracks")
    assert script.calls("/api/token") == 1


@pytest.mark.parametrize(
    "outage",
    [
        Answer(503, "busy"),
        Answer(429, "slow", {"Retry-After": "3600"}),
        Answer(is_dropped=True),
        Answer(200, "<html>"),
    ],
)
def test_an_outage_of_the_accounts_service_is_no_lost_sign_in(
    open_client: OpenClient, script: Scripted, database: Database, outage: Answer
) -> None:
    with open_client() as client:
        client.get("me/tracks")
    expire(database)
    script.token.clear()
    script.token.append(outage)
    with open_client() as client, pytest.raises(SpotifyUnavailable):
        client.get("me/tracks")
    script.token.append(Answer(body={"access_token": "access-later"}))
    script.token.popleft()
    with open_client() as client:
        client.get("me/tracks")
    assert ask(database, "select invalid_since from ops.tokens") == [(None,)]


def test_a_wrong_secret_is_a_wrong_setting(open_client: OpenClient, script: Scripted) -> None:
    script.token.clear()
    script.token.append(Answer(400, {"error": "invalid_client"}))
    with open_client() as client, pytest.raises(SettingsError, match="SPOTIFY_CLIENT_SECRET"):
        client.get("me/tracks")


def test_without_a_secret_the_app_is_a_public_client(open_client: OpenClient, script: Scripted) -> None:
    with open_client(spotify_client_secret=None) as client:
        client.get("me/tracks")
    assert "client_id=scripted-client-id" in script.asked[0][2]


def test_a_missing_sign_in_is_reported_with_its_remedy(open_client: OpenClient, script: Scripted) -> None:
    with (
        open_client(spotify_refresh_token=None) as client,
        pytest.raises(AuthorizationLost, match="tracker login"),
    ):
        client.get("me/tracks")
    assert script.asked == []


def test_the_token_of_another_account_is_refused_and_the_good_one_stays(
    open_client: OpenClient, script: Scripted, database: Database
) -> None:
    with open_client() as client:
        client.get("me/tracks")
    ask(database, "update ops.account set account_id = 'other', user_id = 'other', display_name = 'Other'")
    for _ in range(2):
        with (
            open_client(spotify_refresh_token=SecretStr("of-somebody-else")) as client,
            pytest.raises(WrongAccount, match="Other"),
        ):
            client.get("me/tracks")
    assert script.calls("/v1/me") == 2
    assert ask(database, "select refresh_token from ops.tokens") == [("scripted-refresh-token",)]


def test_an_account_known_by_its_user_id_is_the_same_when_it_gets_an_account_id(database: Database) -> None:
    from profiles.settings import load_settings

    store = TokenStore(load_settings(), database)
    store.claim_account({"id": "me"})
    store.claim_account({"id": "me", "account_id": "a1"})
    assert ask(database, "select account_id, user_id from ops.account") == [("a1", "me")]
    with pytest.raises(WrongAccount):
        store.claim_account({"id": "you", "account_id": "a2"})


def test_a_later_login_wins_over_the_imported_token(
    open_client: OpenClient, script: Scripted, database: Database
) -> None:
    with open_client() as client:
        client.tokens.adopt(Grant("access-login", 3600, "refresh-login", "s"), authorized_at=real_now())
    with open_client() as client:
        client.get("me/tracks")
        assert client.tokens.status().age_days == 0
    assert script.calls("/api/token") == 0
    assert ask(database, "select refresh_token from ops.tokens") == [("refresh-login",)]


def test_a_forgotten_sign_in_is_not_imported_again(open_client: OpenClient, database: Database) -> None:
    from profiles.settings import load_settings

    with open_client() as client:
        client.get("me/tracks")
    TokenStore(load_settings(), database).forget()
    with open_client() as client, pytest.raises(AuthorizationLost):
        client.get("me/tracks")


def test_with_a_secret_key_tokens_are_stored_encrypted(
    open_client: OpenClient, database: Database, script: Scripted
) -> None:
    key = SecretStr("correct horse battery staple")
    for _ in range(2):
        with open_client(tracker_secret_key=key) as client:
            client.get("me/tracks")
    assert script.calls("/api/token") == 1
    ((row,),) = ask(database, "select tokens::text from ops.tokens")
    assert "scripted-refresh-token" not in row
    assert "access-1234567" not in row
    for other in (None, SecretStr("another key")):
        with (
            open_client(tracker_secret_key=other) as client,
            pytest.raises(SettingsError, match="SECRET_KEY"),
        ):
            client.get("me/tracks")


def test_another_app_does_not_inherit_the_refusal_of_the_first(
    open_client: OpenClient, script: Scripted, database: Database
) -> None:
    lose_sign_in(open_client, script, database)
    script.token.append(Answer(body={"access_token": "access-again"}))
    script.token.popleft()
    with open_client(spotify_client_id="the-right-app") as client:
        client.get("me/tracks")
    assert ask(database, "select client_id, invalid_since from ops.tokens") == [("the-right-app", None)]


def test_a_warning_comes_from_day_150(
    open_client: OpenClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with open_client() as client:
        client.get("me/tracks")
        assert client.tokens.status().age_days is None
    for days, warnings in ((149, 0), (151, 1)):
        caplog.clear()
        ask(database, f"update ops.tokens set authorized_at = now() - interval '{days} days'")
        with open_client() as client:
            client.get("me/tracks")
            client.get("me/tracks")
        assert len(caplog.records) == warnings


def test_a_consent_ends_six_calendar_months_later() -> None:
    assert end_of_life(datetime(2026, 8, 31, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)
    assert end_of_life(datetime(2026, 1, 15, tzinfo=UTC)) == datetime(2026, 7, 15, tzinfo=UTC)


def test_no_token_shows_when_printed() -> None:
    token = StoredToken("id", "refresh-secret", "access-secret", real_now() + timedelta(hours=1))
    assert "secret" not in repr(token) + repr(Grant("access-secret", 1, "refresh-secret", None))


def test_a_revoked_token_ends_the_session_of_the_sandbox_too(session: Session, spotify: Any) -> None:
    session.spotify.get("me")
    expire(session.database)
    spotify.faults.add("revoked_refresh_token", "POST", "/api/token", times=None)
    from profiles.session import session_for

    with session_for(session.settings, session.database) as later, pytest.raises(AuthorizationLost):
        later.spotify.get("me")
