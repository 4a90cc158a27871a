"""The settings of what agents work with while they work: blackboards and scratchpads. `settings` reads
them with all others."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_settings import BaseSettings

from .setting_rules import about, number, signal_weights

__all__ = ["WorkspaceSettings"]


class WorkspaceSettings(BaseSettings):
    """A part of `Settings`; alone it reads nothing."""

    board_value: int = number(
        "Bytes of a blackboard cell's value at the most, as JSON.", 100, 1_000_000, 65_536
    )
    board_history: int = number("Versions of a cell that are kept.", 1, 10_000, 100)
    board_cells: int | None = number(
        "Cells of one tenant, on all its blackboards.", 1, 1_000_000_000, None
    )
    board_wait: int = number(
        "Seconds that a read of a blackboard may wait for a change.", 1, 600, 50
    )
    pad_chars: int = number(
        "Characters of one scratchpad; a note counts for 200 at least.", 1000, 10_000_000, 100_000
    )
    pad_days: int = number(
        "How long a note stays in its scratchpad after it was decided on.", 1, 3650, 30
    )
    session_minutes: int = number(
        "A session that nobody writes for so long is over, and promoted from.", 1, 100_000, 30
    )
    promotion_weights: Annotated[str, AfterValidator(signal_weights)] = about(
        "What a note's score is made of: the mean of these signals, by these weights.",
        "a weight from 0 to 1 for each, one of them above 0, as in the default",
        "novelty=0.3 recurrence=0.15 salience=0.3 use=0.1 outcome=0.15",
    )
    promotion_from: float = number("The score from which a note is promoted.", 0, 1, 0.5)
