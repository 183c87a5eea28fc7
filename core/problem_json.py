"""The shape of an error for programs: application/problem+json (RFC 9457)."""

from typing import Any

CONTENT_TYPE = "application/problem+json"


def document(status: int, code: str, title: str, detail: str, **facts: Any) -> dict[str, Any]:
    """The members of a problem. `code` is for programs, the other texts are for people; `facts` are further members."""
    return {"type": f"/api/#problem-{code}", "title": title, "status": status, "detail": detail, "code": code, **facts}
