from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiles.session import Session


def test_a_session_signs_in_by_the_imported_token_and_remembers_the_account(session: Session) -> None:
    assert session.spotify.calls_made == 0
    page = next(session.spotify.pages("me/tracks", limit=5))
    assert len(page.items) == 5
    assert session.spotify.calls_made == 2  # whose token it is, and the page
    with session.database.transaction() as cursor:
        cursor.execute("select user_id is not null from ops.account")
        assert cursor.fetchall() == [(True,)]
        cursor.execute("select family, calls from ops.api_calls order by family")
        assert cursor.fetchall() == [("library", 1), ("profile", 1)]


def test_pages_add_up_to_their_total(session: Session) -> None:
    pages = list(session.spotify.pages("me/tracks", limit=50))
    assert sum(len(page.items) for page in pages) == pages[0].total
