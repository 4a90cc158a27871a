"""One tree of errors. Each is expected, and its text says what to do; anything else is a bug.

LociError
├── InvalidInput          an argument cannot be used as it is
├── NotFound              no such memory (or it is another tenant's: the same to the caller)
├── ConfirmationNeeded    a selection must be confirmed before it is forgotten
├── Stale                 a cell of a board is not at the version that its writer expected
├── NotAllowed            a board may be read by this agent and not written
├── Unauthorized          a credential is missing, or not valid here
├── LimitExceeded         a tenant has used up what it may have or ask
├── SettingsError         a setting is wrong: which, from where, what is allowed
├── ModelError            an embedding model cannot be loaded or used
├── IndexFailed           the vector index cannot be used now; the ledger answers in its place
│   ├── IndexDamaged      its files or its collection are not what they should be
│   └── IndexCrashed      its worker crashed or hung while it was asked
└── StoreError            the data directory cannot be used
    ├── StoreBusy         another process owns it
    ├── StoreFull         the disk is full; nothing of the write was kept
    ├── StoreReadOnly     it cannot be written
    ├── StoreCorrupt      the database fails its integrity check
    └── StoreFromFuture   a newer Loci wrote it
"""

from collections.abc import Mapping

__all__ = [
    "SHUTTING_DOWN",
    "ConfirmationNeeded",
    "IndexCrashed",
    "IndexDamaged",
    "IndexFailed",
    "InvalidInput",
    "LimitExceeded",
    "LociError",
    "ModelError",
    "NotAllowed",
    "NotFound",
    "SettingsError",
    "Stale",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreFromFuture",
    "StoreFull",
    "StoreReadOnly",
    "Unauthorized",
]

SHUTTING_DOWN = "Loci is shutting down; repeat when it is back."
"""What whoever asks too late is told, at any door."""


class LociError(Exception):
    """An expected failure. Its text is short and says what to do instead."""


class InvalidInput(LociError):
    """An argument cannot be used as it is."""


class NotFound(LociError):
    """No such memory. What belongs to another tenant looks the same."""


class ConfirmationNeeded(LociError):
    """A selection must be confirmed before it is forgotten."""


class Stale(LociError):
    """A cell is not at the version that its writer expected. The text quotes what it is now."""

    def __init__(self, text: str, current: Mapping[str, object] | None = None) -> None:
        super().__init__(text)
        self.current = current
        """The cell as it is now, as plain values; None where there is none."""


class NotAllowed(LociError):
    """The rights of a board do not let this agent write to it."""


class Unauthorized(LociError):
    """A credential is missing, or not valid here. Says no more than that to who sent it."""


class LimitExceeded(LociError):
    """A tenant has used up what it may have or ask; the text says what, and when to come back."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        """`retry_after` in seconds; None where waiting does not help."""
        super().__init__(text)
        self.retry_after = retry_after


class SettingsError(LociError):
    """A setting is wrong; the text names it, its source and what is allowed."""


class ModelError(LociError):
    """An embedding model cannot be loaded or used."""


class IndexFailed(LociError):
    """The vector index cannot be used now: crashed, hung, refused. The text says what happened."""


class IndexDamaged(IndexFailed):
    """The index's files or its collection are not what they should be."""


class IndexCrashed(IndexFailed):
    """The index's worker crashed or hung while it was asked."""


class StoreError(LociError):
    """The data directory cannot be used."""


class StoreBusy(StoreError):
    """Another process owns the data directory; the text says which."""


class StoreFull(StoreError):
    """The disk is full. Nothing of the refused write was kept."""


class StoreReadOnly(StoreError):
    """The data directory or its database cannot be written."""


class StoreCorrupt(StoreError):
    """The database fails its integrity check."""


class StoreFromFuture(StoreError):
    """The database was written by a newer Loci."""
