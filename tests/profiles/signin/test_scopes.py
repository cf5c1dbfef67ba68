from __future__ import annotations

from profiles.settings import REPOSITORY
from profiles.signin.scopes import PLAYLIST_SCOPES, SCOPES, missing_from

PRODUCT = ("profiles", "extract", "playlists", "flows")


def test_the_permissions_stand_in_one_list() -> None:
    files = [file for folder in PRODUCT for file in (REPOSITORY / folder).rglob("*.py")]
    naming = {
        file.name
        for file in files
        for scope in SCOPES
        if f'"{scope.name}"' in file.read_text(encoding="utf-8")
    }
    assert naming == {"scopes.py"}


def test_a_permission_that_nothing_uses_yet_is_not_missed() -> None:
    assert missing_from("user-library-modify user-read-private") == tuple(
        scope.name for scope in SCOPES if scope.is_used and not scope.is_optional
    )
    assert missing_from(" ".join(scope.name for scope in SCOPES if scope.is_used)) == ()


def test_playlists_hidden_by_a_consent_are_named_by_their_permission() -> None:
    assert set(PLAYLIST_SCOPES) <= {scope.name for scope in SCOPES if scope.is_used}
