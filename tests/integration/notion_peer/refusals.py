"""The errors that Notion answers with."""

from typing import Any

# Status and message of each code, as the status codes page of Notion's reference has them.
_CODES = {
    "invalid_json": (400, "Error parsing JSON body."),
    "invalid_request_url": (400, "Invalid request URL."),
    "validation_error": (400, ""),
    "missing_version": (
        400,
        "Notion-Version header failed validation: it should be defined, instead was `undefined`.",
    ),
    "unauthorized": (401, "API token is invalid."),
    "restricted_resource": (403, "API token does not have access to this resource."),
    "object_not_found": (404, ""),
    "conflict_error": (409, "Conflict occurred while saving. Please try again."),
    "rate_limited": (429, "You have been rate limited. Please try again in a few minutes."),
    "internal_server_error": (500, "Unexpected error occurred."),
    "bad_gateway": (502, "Bad Gateway"),
    "service_unavailable": (503, "Notion is unavailable, please try again later."),
    "gateway_timeout": (504, "Gateway Timeout"),
    "service_overload": (529, "Notion is overloaded, please try again later."),
}
OF_STATUS = {status: code for code, (status, _) in reversed(_CODES.items())}


class Refused(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        retry_after: int | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.status, usual = _CODES[code]
        self.code, self.message = code, message or usual
        self.retry_after, self.more = retry_after, more
        super().__init__(f"{self.status} {code}: {self.message}")

    def body(self, request_id: str) -> dict[str, Any]:
        body = {"object": "error", "status": self.status, "code": self.code}
        body |= {"message": self.message, "request_id": request_id}
        return body | ({"additional_data": self.more} if self.more else {})


def invalid(message: str) -> Refused:
    """The request says something that Notion does not take."""
    return Refused("validation_error", message)


def not_found(kind: str, given: str) -> Refused:
    """Nothing of that kind, or nothing that this token may see."""
    return Refused(
        "object_not_found",
        f"Could not find {kind} with ID: {given}. Make sure the relevant pages and databases"
        " are shared with your integration.",
    )
