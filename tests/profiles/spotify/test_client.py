from __future__ import annotations

import logging
import socket
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from profiles import redaction
from profiles.errors import AuthorizationLost, BadRequest, Deferred, Forbidden, NotFound, SpotifyUnavailable
from profiles.spotify.retry import Policy
from tests.support.scripted_server import Answer, Scripted

if TYPE_CHECKING:
    from profiles.database import Database
    from profiles.session import Session
    from tests.conftest import OpenClient

BUSY = Answer(503, "upstream connect error")
FINE = Answer(body={"items": [], "total": 0})


def test_a_read_outlasts_a_few_server_errors(
    open_client: OpenClient, script: Scripted, pauses: list[float]
) -> None:
    script.say(BUSY, Answer(502, {"error": {"status": 502, "message": "Bad gateway"}}), FINE)
    with open_client() as client:
        assert client.get("me/tracks") == {"items": [], "total": 0}
        assert client.calls_made == 4
    assert len(pauses) == 2
    assert pauses[0] < pauses[1] <= 1


@pytest.mark.fault(10, "endless errors")
def test_an_hour_of_server_errors_ends_a_call_within_seconds(
    open_client: OpenClient, script: Scripted, pauses: list[float]
) -> None:
    script.say(BUSY)
    with open_client() as client:
        with pytest.raises(SpotifyUnavailable) as raised:
            client.get("me/tracks")
        assert script.calls("/v1/me/tracks") == 5
        assert not raised.value.may_have_been_applied
    assert sum(pauses) < 20


def test_after_an_outage_later_calls_get_one_short_attempt(
    open_client: OpenClient, script: Scripted, pauses: list[float]
) -> None:
    script.say(BUSY)
    with open_client() as client, pytest.raises(SpotifyUnavailable):
        client.get("me/tracks")
    pauses.clear()
    with open_client() as next_step:
        with pytest.raises(SpotifyUnavailable):
            next_step.get("me/albums")
        assert script.calls("/v1/me/albums") == 1
        assert pauses == []
        script.say(FINE)
        next_step.get("me/albums")
        script.say(BUSY, FINE)  # it has answered since: patience is back
        next_step.get("me/albums")


@pytest.mark.parametrize("failure", [BUSY, Answer(is_dropped=True), Answer(200, "{half an ans")])
def test_a_post_is_never_repeated_blindly(open_client: OpenClient, script: Scripted, failure: Answer) -> None:
    script.say(failure)
    with open_client() as client, pytest.raises(SpotifyUnavailable) as raised:
        client.post("playlists/p/items", {"uris": ["spotify:track:1"]})
    assert raised.value.may_have_been_applied
    assert script.calls("/v1/playlists/p/items") == 1


def test_a_reorder_counts_as_a_post(open_client: OpenClient, script: Scripted) -> None:
    script.say(BUSY)
    with open_client() as client, pytest.raises(SpotifyUnavailable) as raised:
        client.put("playlists/p/items", {"range_start": 1, "insert_before": 0}, idempotent=False)
    assert raised.value.may_have_been_applied
    assert script.calls("/v1/playlists/p/items") == 1


def test_a_replacement_and_a_removal_by_uri_are_repeated(open_client: OpenClient, script: Scripted) -> None:
    script.say(Answer(is_dropped=True), Answer(body={"snapshot_id": "2"}))
    with open_client() as client:
        assert client.put("playlists/p/items", {"uris": []}, idempotent=True) == {"snapshot_id": "2"}
        script.say(BUSY, Answer(body={"snapshot_id": "3"}))
        assert client.delete("playlists/p/items", {"items": [{"uri": "u"}]}) == {"snapshot_id": "3"}
    assert script.asked[-1] == ("DELETE", "/v1/playlists/p/items", '{"items": [{"uri": "u"}]}')
    assert [body for method, _, body in script.asked if method == "PUT"] == ['{"uris": []}'] * 2


def test_a_post_that_was_never_sent_is_repeated(open_client: OpenClient, script: Scripted) -> None:
    with open_client() as client:
        client.get("me/tracks")
    with socket.socket() as placeholder:  # bound, not listening: nobody answers there
        placeholder.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{placeholder.getsockname()[1]}/v1/"
        with open_client(spotify_api_url=nowhere) as client, pytest.raises(SpotifyUnavailable) as raised:
            client.post("me/playlists", {"name": "x"})
        assert not raised.value.may_have_been_applied
        assert client.calls_made == 5


def test_an_empty_answer_to_a_write_is_an_answer(open_client: OpenClient, script: Scripted) -> None:
    script.say(Answer(200))
    with open_client() as client:
        assert client.put("me/library", idempotent=True, uris="spotify:playlist:1") is None
    assert script.asked[-1] == ("PUT", "/v1/me/library?uris=spotify%3Aplaylist%3A1", "")


def test_no_content_is_an_empty_object_and_an_empty_200_is_not(
    open_client: OpenClient, script: Scripted
) -> None:
    script.say(Answer(204))
    with open_client() as client:
        assert client.get("me/player/recently-played") == {}
        script.say(Answer(200))
        with pytest.raises(SpotifyUnavailable):
            client.get("me/player/recently-played")


def test_a_timeout_is_no_answer(open_client: OpenClient) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        policy = Policy(attempts=2, pacing_s=0, timeout_s=(0.05, 0.05))
        with open_client() as first:
            first.get("me/tracks")
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/"
        with (
            open_client(policy, spotify_api_url=address) as client,
            pytest.raises(SpotifyUnavailable, match="no answer in time") as raised,
        ):
            client.post("me/playlists", {"name": "x"})
        assert raised.value.may_have_been_applied


def test_a_short_retry_after_is_waited_for(
    open_client: OpenClient, script: Scripted, pauses: list[float]
) -> None:
    script.say(Answer(429, "slow down", {"Retry-After": "7"}), FINE)
    with open_client() as client:
        client.post("playlists/p/items", {"uris": []})  # a 429 was not applied: also a POST goes again
    assert pauses == [7.0]


@pytest.mark.fault(10, "long waits")
def test_short_waits_that_do_not_help_end_as_deferred(
    open_client: OpenClient, script: Scripted, pauses: list[float]
) -> None:
    script.say(Answer(429, "slow down", {"Retry-After": "25"}))
    with open_client() as client, pytest.raises(Deferred):
        client.get("me/tracks")
    assert sum(pauses) <= 60


@pytest.mark.fault(10, "long waits")
@pytest.mark.parametrize(
    ("answer", "hours"),
    [
        (Answer(429, "API rate limit exceeded", {"Retry-After": "85771"}), 23),
        (Answer(429, {"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}}, {"Retry-After": "30000"}), 8),
        (Answer(429, {"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}}), 0.9),
    ],
)
def test_a_long_wait_defers_its_family_alone_and_for_everybody(
    open_client: OpenClient, script: Scripted, pauses: list[float], answer: Answer, hours: float
) -> None:
    script.say(answer)
    with open_client() as client, pytest.raises(Deferred) as raised:
        client.get("artists/1/albums", limit=10)
    assert raised.value.family == "artist_albums"
    assert raised.value.exit_status == 3
    assert pauses == []
    script.say(FINE)
    with open_client() as other_process:
        asked = len(script.asked)
        with pytest.raises(Deferred) as again:
            other_process.get("artists/2/albums", limit=10)
        assert len(script.asked) == asked  # not even tried
        assert again.value.until == raised.value.until
        other_process.get("me/player/recently-played")
        (resting,) = [usage for usage in other_process.budget.usage() if usage.until]
    assert (resting.family, resting.calls, resting.rate_limited) == ("artist_albums", 1, 1)
    assert resting.until is not None
    assert (resting.until - datetime.now(UTC)).total_seconds() > hours * 3600


@pytest.mark.parametrize(
    ("body", "reason", "remedy"),
    [
        (
            "Active premium subscription required for the owner of the app. When the …",
            "premium_lapsed",
            "Renew",
        ),
        (
            {"error": {"status": 403, "message": "User not registered in the Developer Dashboard"}},
            "not_allow_listed",
            "User Management",
        ),
        (
            {"error": {"status": 403, "message": "Insufficient client scope"}},
            "insufficient_scope",
            "tracker login",
        ),
        ({"error": {"status": 403, "message": "Forbidden"}}, "endpoint_not_available", "does not help"),
        ({"error": "Something new"}, "other", ""),
    ],
)
def test_every_refusal_has_its_own_remedy(
    open_client: OpenClient, script: Scripted, body: Any, reason: str, remedy: str
) -> None:
    script.say(Answer(403, body))
    with open_client() as client, pytest.raises(Forbidden) as raised:
        client.get("tracks/1")
    assert raised.value.reason == reason
    assert remedy in raised.value.remedy
    assert script.calls("/v1/tracks/1") == 1


def test_bad_requests_and_unknown_objects_are_different_errors(
    open_client: OpenClient, script: Scripted
) -> None:
    with open_client() as client:
        script.say(Answer(404, {"error": {"status": 404, "message": "Resource not found"}}))
        with pytest.raises(NotFound, match="Resource not found"):
            client.get("tracks/1")
        script.say(Answer(400, {"error": {"status": 400, "message": "Invalid limit"}}))
        with pytest.raises(BadRequest, match="Invalid limit"):
            client.get("artists/1/albums", limit=50)


def test_an_expired_access_token_is_renewed_once_and_the_call_repeated(
    open_client: OpenClient, script: Scripted
) -> None:
    script.token.append(Answer(body={"access_token": "access-7654321"}))
    script.say(Answer(401, {"error": {"status": 401, "message": "The access token expired"}}), FINE)
    with open_client() as client:
        assert client.post("me/playlists", {"name": "x"}) is not None
    assert script.calls("/api/token") == 2


def test_an_access_token_that_is_refused_again_ends_the_call(
    open_client: OpenClient, script: Scripted
) -> None:
    script.token.append(Answer(body={"access_token": "access-7654321"}))
    script.say(Answer(401, {"error": {"status": 401, "message": "Invalid access token"}}))
    with open_client() as client, pytest.raises(AuthorizationLost):
        client.get("me/tracks")
    assert script.calls("/v1/me/tracks") == 2


def test_no_secret_reaches_a_log_or_an_error(
    open_client: OpenClient, script: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    redaction.install(["scripted-client-secret"])
    caplog.set_level(logging.DEBUG)
    script.say(Answer(400, {"error": {"message": "bad header Bearer access-1234567"}}))
    with open_client() as client, pytest.raises(BadRequest) as raised:
        client.get("me/tracks")
    said = caplog.text + str(raised.value)
    assert "Sending GET" in said
    for secret in ("access-1234567", "scripted-client-secret", "scripted-refresh-token"):
        assert secret not in said


def test_a_refused_attempt_is_no_error_in_the_log(
    open_client: OpenClient, script: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    script.say(BUSY, FINE)
    with open_client() as client:
        client.get("me/tracks")
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "503; again in" in caplog.text


def test_pages_go_by_position_and_end_at_the_total(open_client: OpenClient, script: Scripted) -> None:
    script.say(
        Answer(body={"items": [None, 2], "total": 5, "offset": 0, "limit": 2}),
        Answer(body={"items": [3], "total": 5, "offset": 2, "limit": 2}),  # one was left out
        Answer(body={"items": [5], "total": 5, "offset": 4, "limit": 2}),
    )
    with open_client() as client:
        assert [page.items for page in client.pages("me/tracks", limit=2, market=None)] == [
            [None, 2],
            [3],
            [5],
        ]
    assert script.asked[-1][1] == "/v1/me/tracks?limit=2&offset=4"


def test_an_answer_without_items_is_not_read_as_an_empty_page(
    open_client: OpenClient, script: Scripted
) -> None:
    script.say(Answer(body={"error": None}))
    with open_client() as client, pytest.raises(SpotifyUnavailable, match="no page"):
        list(client.pages("me/tracks"))


def test_a_bare_list_is_read(open_client: OpenClient, script: Scripted) -> None:
    script.say(Answer(body=[True, False]))
    with open_client() as client:
        assert client.get_list("me/library/contains", uris="a,b") == [True, False]


def test_calls_are_paced(open_client: OpenClient, pauses: list[float]) -> None:
    with open_client(Policy(pacing_s=5)) as client:
        client.get("me/tracks")
        client.get("me/tracks")
    assert len(pauses) == 2
    assert all(4 < pause <= 5 for pause in pauses)


def test_a_failed_write_that_was_applied_may_have_been_applied(session: Session, spotify: Any) -> None:
    spotify.faults.add("server_error_after", "POST", "/me/playlists")
    with pytest.raises(SpotifyUnavailable) as raised:
        session.spotify.post("me/playlists", {"name": "Once"})
    assert raised.value.may_have_been_applied
    names = [item["name"] for page in session.spotify.pages("me/playlists") for item in page.items]
    assert names.count("Once") == 1


def test_counting_survives_a_restart_of_the_database(open_client: OpenClient, database: Database) -> None:
    with open_client() as client:
        client.get("me/tracks")
        with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        client.get("me/tracks")
        assert sum(usage.calls for usage in client.budget.usage()) == 3
