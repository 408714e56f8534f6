"""The URL of a Redis, which holds a password: read so that no piece of it is shown."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def read_url(url: str) -> tuple[str, tuple[str, ...]]:
    """Where a URL points, fit to be shown, and what in it must never be shown.

    Raises:
        ValueError: it cannot be read, such as where a password holds a slash. The error quotes nothing of it.
    """
    try:
        parts = urlsplit(url)
        netloc = parts.hostname or ""
        netloc += f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, netloc = None, ""
    # Behind a slash in a password, the rest of it, and the host, look like a path: which is a database's number.
    if parts is None or not url.isprintable() or "@" in parts.path + parts.query + parts.fragment:
        raise unreadable_url()
    if parts.scheme != "unix" and not parts.path.strip("/").isdigit() and parts.path.strip("/"):
        raise unreadable_url()
    spelled = [word for word in (parts.password, parts.query) if word]
    secrets = {*spelled, *(unquote(word) for word in spelled)}
    return f"{parts.scheme}://{netloc}{parts.path}", tuple(sorted(secrets, key=len, reverse=True))


def unreadable_url() -> ValueError:
    """The error of a URL that cannot be read."""
    return ValueError(
        "the URL of Redis cannot be read: write redis://user:password@host:port/0, rediss:// for TLS, "
        "unix:// for a socket, with special characters in the password percent-encoded, "
        "and no options behind a question mark but those of redis-py"
    )
