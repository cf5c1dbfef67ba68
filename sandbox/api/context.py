"""The argument of every route: the account, the JSON shapes of this request, and its checked parameters."""

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response

from sandbox.account.ids import is_base62_id
from sandbox.api.errors import bad_request, forbidden
from sandbox.api.inputs import read_json, read_number
from sandbox.api.shapes import MARKETS, Json, Shapes

if TYPE_CHECKING:
    from sandbox.account.account import Account
    from sandbox.core import Sandbox

MAX_OFFSET = 100_000


class Context:
    """One request to a route. Methods that read parameters raise ApiError 400 if a parameter is wrong."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.query = request.query_params
        self.sandbox: Sandbox = request.app.state.sandbox
        self.account: Account = self.sandbox.account

    @property
    def is_legacy(self) -> bool:
        """Whether the app is an old one that has every endpoint and field."""
        return self.sandbox.mode == "legacy"

    def has_scope(self, *scopes: str) -> bool:
        """Whether the token covers at least one of these scopes."""
        return any(scope in self.request.scope["state"]["scopes"] for scope in scopes)

    def require_scope(self, *scopes: str) -> None:
        """Raise ApiError 403 if the token covers none of these scopes."""
        if not self.has_scope(*scopes):
            raise forbidden("Insufficient client scope")

    @cached_property
    def market(self) -> str | None:
        """The account's country if the call sends any `market`, else None. That is what Spotify does."""
        market = self.query.get("market")
        if market is None:
            return None
        if market != "from_token" and market not in MARKETS and not (len(market) == 2 and market.isupper()):  # noqa: PLR2004
            raise bad_request("Invalid market code")
        return self.account.profile.country

    @cached_property
    def shapes(self) -> Shapes:
        """The JSON shapes of this request. Their links lead to the address of the request."""
        base = f"{self.request.url.scheme}://{self.request.url.netloc}/v1"
        return Shapes(self.account, self.sandbox.mode, base, self.market)

    def limit(self, default: int = 20, maximum: int = 50) -> int:
        """Return the parameter `limit`."""
        return self.number("limit", default, 1, maximum)

    def offset(self, maximum: int | None = None) -> int:
        """Return the parameter `offset`."""
        return self.number("offset", 0, 0, maximum)

    def number(self, name: str, default: int, least: int, most: int | None) -> int:
        """Return a whole number from the query. A wrong one is 400, such as `Invalid limit`."""
        text = self.query.get(name)
        if text is None:
            return default
        try:
            number = read_number(text)
        except ValueError:
            raise bad_request(f"Invalid {name}") from None
        if number < least or (most is not None and number > most):
            raise bad_request(f"Invalid {name}")
        return number

    def identifier(self, name: str = "id") -> str:
        """Return an id from the path. A wrong one is 400 `Invalid base62 id`."""
        identifier: str = self.request.path_params[name]
        if not is_base62_id(identifier):
            raise bad_request("Invalid base62 id")
        return identifier

    def page(self, path: str, items: list[Any], total: int, limit: int, offset: int) -> Response:
        """Return a paging object as the response. Its links keep the other parameters of the request."""
        others = {
            name: value for name, value in self.query.items() if name not in ("limit", "offset", "market")
        }
        return reply(self.shapes.page(path, items, total, limit, offset, others))

    async def body(self) -> Json:
        """Return the JSON object of the request, {} for an empty body. In legacy mode a list means `uris`."""
        try:
            content = read_json(await self.request.body())
        except ValueError:
            raise bad_request("Error parsing JSON.") from None
        if isinstance(content, list) and self.is_legacy:
            return {"uris": content}
        if not isinstance(content, dict):
            raise bad_request("No uris provided" if isinstance(content, list) else "Error parsing JSON.")
        return content


async def get_context(request: Request) -> Context:
    """Return the context, as a FastAPI dependency."""
    return Context(request)


Ctx = Annotated[Context, Depends(get_context)]


def reply(content: Any, status: int = 200) -> Response:
    """Return a JSON response."""
    return JSONResponse(content, status)


def empty(status: int = 200) -> Response:
    """Return a response without a body."""
    return Response(status_code=status)
