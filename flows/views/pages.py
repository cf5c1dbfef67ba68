"""The pages of the UI: one artifact each, made without a run and changed in place.

So its address stays the same, Prefect's database does not grow with each refresh, and no page is deleted with
an old run. Their ids stand in a Prefect variable, because reading an artifact reads the whole page. Links
between pages are relative: they stay in the one of Prefect's two UIs that one is in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import VariableCreate, VariableUpdate
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prefect.client.orchestration import SyncPrefectClient

VARIABLE = "tracker_pages"
PREFIX = "tracker-"
"""Of the artifacts' keys: a server may hold other people's artifacts, too."""


@dataclass(frozen=True)
class Page:
    """A page: its name in addresses (`library`, `playlist-most-played`), its title, and its Markdown."""

    name: str
    title: str
    text: str


class Addresses:
    """Where the pages are: their ids by name."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self.ids = dict(ids)

    def of(self, name: str, *, folder: str = "./") -> str | None:
        """Return the relative address of a page as another page sees it; None where there is no such page."""
        found = self.ids.get(name)
        return None if found is None else f"{folder}{found}"


class PageStore:
    """The pages on one Prefect server. One process at a time may write: two would make a page twice."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client

    def addresses(self) -> Addresses:
        """Return where the pages are that exist."""
        variable = self._client.read_variable_by_name(VARIABLE)
        known = variable.value if variable is not None else None
        return Addresses({str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {})

    def make(self, titles: Mapping[str, str]) -> Addresses:
        """Make those of these pages (titles by name) that do not exist, empty yet; return all addresses."""
        addresses = self.addresses()
        missing = {name: title for name, title in titles.items() if name not in addresses.ids}
        for name, title in missing.items():
            addresses.ids[name] = self._create(Page(name, title, f"# {title}\n"))
        if missing:
            self._remember(addresses)
        return addresses

    def write(self, pages: Iterable[Page]) -> None:
        """Write each page in its place; one that somebody has deleted meanwhile is made again."""
        addresses = self.addresses()
        for page in pages:
            if not self._is_updated(page, addresses.ids.get(page.name)):
                addresses.ids[page.name] = self._create(page)
                self._remember(addresses)

    def remove(self) -> int:
        """Delete every page; return how many there were."""
        addresses = self.addresses()
        for each in addresses.ids.values():
            with suppress(ObjectNotFound):
                self._client.delete_artifact(UUID(each))
        with suppress(ObjectNotFound):
            self._client.delete_variable_by_name(VARIABLE)
        return len(addresses.ids)

    # By plain requests: the own methods of the client keep a copy of the whole page in an event, too,
    # and Prefect's database would grow by every page at every refresh.
    def _create(self, page: Page) -> str:
        made = {"key": f"{PREFIX}{page.name}", "type": "markdown"}
        answer = self._client.request("POST", "/artifacts/", json=made | _content(page))
        return str(answer.json()["id"])

    def _is_updated(self, page: Page, artifact_id: str | None) -> bool:
        if artifact_id is None:
            return False
        where = {"id": artifact_id}
        try:
            self._client.request("PATCH", "/artifacts/{id}", path_params=where, json=_content(page))
        except HTTPStatusError as error:
            if error.response.status_code == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def _remember(self, addresses: Addresses) -> None:
        if self._client.read_variable_by_name(VARIABLE) is None:
            self._client.create_variable(VariableCreate(name=VARIABLE, value=addresses.ids))
        else:
            self._client.update_variable(VariableUpdate(name=VARIABLE, value=addresses.ids))


def _content(page: Page) -> dict[str, str]:
    return {"data": page.text, "description": page.title}


def open_client() -> SyncPrefectClient:
    """Return a client, a context manager, of the server that Prefect's settings name."""
    return get_client(sync_client=True)
