"""Pages on a Prefect server: one artifact each, which keeps its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.views.pages import PageStore

pytestmark = pytest.mark.usefixtures("prefect_server", "lenient_warnings")


@pytest.fixture
def client() -> Iterator[Any]:
    from flows.views.pages import open_client

    with open_client() as client:
        yield client


@pytest.fixture
def store(client: Any) -> Iterator[PageStore]:
    from flows.views.pages import PageStore

    store = PageStore(client)
    store.remove()  # those of tests before
    yield store
    store.remove()


def artifacts(client: Any) -> list[dict[str, Any]]:
    where = {"artifacts": {"key": {"like_": "tracker-"}}}
    found: list[dict[str, Any]] = client.request("POST", "/artifacts/filter", json=where).json()
    return found


def count_events(client: Any) -> int:
    where = {"filter": {"event": {"prefix": ["prefect.artifact"]}}}
    total: int = client.request("POST", "/events/filter", json=where).json()["total"]
    return total


def test_a_page_that_is_refreshed_keeps_its_address_and_leaves_no_copy(store: Any, client: Any) -> None:
    from flows.views.pages import Page

    events = count_events(client)
    first = store.make({"library": "Library", "playlists": "Playlists"})
    for turn in range(3):
        store.write([Page("library", "Library", f"# Library {turn}")])
    assert store.make({"library": "Library"}).ids == first.ids
    texts = {each["id"]: each["data"] for each in artifacts(client)}
    assert texts == {first.ids["library"]: "# Library 2", first.ids["playlists"]: "# Playlists\n"}
    assert {each["flow_run_id"] for each in artifacts(client)} == {None}
    assert count_events(client) == events


def test_a_page_that_was_deleted_is_made_again(store: Any, client: Any) -> None:
    from uuid import UUID

    from flows.views.pages import Page

    old = store.make({"library": "Library"}).ids["library"]
    client.delete_artifact(UUID(old))
    store.write([Page("library", "Library", "# Again")])
    [made] = artifacts(client)
    assert made["data"] == "# Again"
    assert store.addresses().of("library") == f"./{made['id']}"


def test_removed_pages_leave_nothing(store: Any, client: Any) -> None:
    store.make({"library": "Library", "listening": "Listening"})
    assert store.remove() == 2
    assert artifacts(client) == []
    assert store.addresses().of("library") is None
    assert store.remove() == 0
