"""Spotify's error responses."""

from __future__ import annotations

from http import HTTPStatus


class ApiError(Exception):
    """An error response of the Web API: `{"error": {"status", "message", "reason"?}}`, or plain text."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reason: str | None = None,
        headers: dict[str, str] | None = None,
        is_text: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.headers = headers or {}
        self.is_text = is_text


def bad_request(message: str) -> ApiError:
    """Return a 400."""
    return ApiError(HTTPStatus.BAD_REQUEST, message)


def forbidden(message: str = "Forbidden") -> ApiError:
    """Return a 403. The default text is that of a removed endpoint."""
    return ApiError(HTTPStatus.FORBIDDEN, message)


def not_found(message: str = "Resource not found") -> ApiError:
    """Return a 404."""
    return ApiError(HTTPStatus.NOT_FOUND, message)


def unauthorized(message: str) -> ApiError:
    """Return a 401 with the `WWW-Authenticate` header that says why."""
    kind = "invalid_request" if message == "No token provided" else "invalid_token"
    challenge = f'Bearer realm="spotify", error="{kind}", error_description="{message}"'
    return ApiError(HTTPStatus.UNAUTHORIZED, message, headers={"www-authenticate": challenge})
