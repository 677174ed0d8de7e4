"""Every error that Presend raises on purpose.

::

    PresendError
    ├── InvalidInput            the caller sent something that cannot be used      422
    │   ├── MalformedBody       not JSON that we accept                            400
    │   ├── PayloadTooLarge     over the byte limit                                413
    │   ├── UnsupportedMedia    a body that says it is not JSON                    415
    │   └── UnknownRubric       no such rubric                                     422
    ├── NotAuthenticated        no key, or not one of ours                         401
    ├── NotPermitted            the key lacks the scope                            403
    ├── NotFound                no such thing for this tenant                      404
    ├── Conflict                                                                   409
    │   ├── IdempotencyMismatch the key was used with another body                 409
    │   └── IdempotencyInFlight the first request with this key is still running   409
    ├── Overloaded              no slot; try again                                 503
    ├── StoreUnavailable        Postgres cannot be reached                         503
    ├── ConfigurationError      settings, policy or rubric file is wrong           exit 2
    └── SetupError              a part of the machine is missing or in use         exit 1

A message is one plain sentence that says what would be right. It never quotes a draft.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """One fault and where it is: a JSON path, a ``file:line`` or a setting's name."""

    path: str
    message: str


@dataclass
class PresendError(Exception):
    """Base of all; ``slug`` is the stable end of the problem type."""

    detail: str
    faults: tuple[Fault, ...] = field(default=())
    retry_after_s: float | None = None

    slug = "internal"
    title = "Something went wrong"
    status = 500

    def __str__(self) -> str:
        if not self.faults:
            return self.detail
        return self.detail + " " + "; ".join(f"{f.path}: {f.message}" for f in self.faults)


class InvalidInput(PresendError):
    """The request was read, and does not fit."""

    slug, title, status = "invalid-input", "The request does not fit", 422


class MalformedBody(InvalidInput):
    """The bytes are not JSON that we accept."""

    slug, title, status = "malformed-body", "The body is not acceptable JSON", 400


class PayloadTooLarge(InvalidInput):
    """More bytes than the limit."""

    slug, title, status = "payload-too-large", "The body is too large", 413


class UnsupportedMedia(InvalidInput):
    """The body says that it is something else than JSON."""

    slug, title, status = "unsupported-media-type", "The body is not JSON", 415


class UnknownRubric(InvalidInput):
    """The rubric named does not exist."""

    slug, title, status = "unknown-rubric", "No such rubric", 422


class NotAuthenticated(PresendError):
    """No usable API key."""

    slug, title, status = "not-authenticated", "An API key is needed", 401


class NotPermitted(PresendError):
    """The key is good, its scopes are not enough."""

    slug, title, status = "not-permitted", "The API key lacks a scope", 403


class NotFound(PresendError):
    """Nothing of that name for this tenant."""

    slug, title, status = "not-found", "Not found", 404


class Conflict(PresendError):
    """The request contradicts what is there."""

    slug, title, status = "conflict", "The request conflicts with what is stored", 409


class IdempotencyMismatch(Conflict):
    """One key, two bodies."""

    slug, title = "idempotency-mismatch", "The idempotency key was used with another body"


class IdempotencyInFlight(Conflict):
    """The first request with the key has not finished."""

    slug, title = "idempotency-in-flight", "The first request with this idempotency key is still running"


class Overloaded(PresendError):
    """All slots are taken."""

    slug, title, status = "overloaded", "Too many requests at once", 503


class StoreUnavailable(PresendError):
    """Postgres did not answer."""

    slug, title, status = "store-unavailable", "The database cannot be reached", 503


class ConfigurationError(PresendError):
    """A setting, policy or rubric is wrong; nothing starts."""

    slug, title, status = "configuration", "The configuration is wrong", 500


class SetupError(PresendError):
    """Something on the machine is missing, in use or full."""

    slug, title, status = "setup", "The machine is not ready", 500
