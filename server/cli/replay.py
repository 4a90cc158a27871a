"""`loci replay`: what a promotion policy keeps of recorded sessions."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from rich.text import Text

from ..access import Caller, as_caller
from ..app import open_app
from ..errors import InvalidInput, NotFound
from ..model import Decision
from ..settings import Settings
from .ask import Flags, ask
from .exits import Exit
from .loop import run_loop
from .output import people, print_json, table
from .replay_data import Recorded, read_recorded, recorded_of, write_recorded

__all__ = ["Trial", "replay"]

_LARGEST = {"pad_chars": 10_000_000, "pad_days": 3650, "session_minutes": 100_000}
"""In the replay a session ends when its last note is written, and not before."""
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried instead of the settings. None: as in the settings."""

    weights: str | None
    threshold: float | None

    def applied(self, settings: Settings) -> Settings:
        """Raises InvalidInput: a value is not allowed."""
        given = {"promotion_weights": self.weights, "promotion_from": self.threshold}
        update = {name: value for name, value in given.items() if value is not None}
        try:
            Settings.model_validate(update)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            option = {"promotion_weights": "--weights", "promotion_from": "--from"}[name]
            raise InvalidInput(f"{option}: see {name} among the settings.") from None
        return settings.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class Result:
    """What a policy kept."""

    decisions: Sequence[Decision]
    """For each note, in the order of the record."""

    def figures(self, notes: Sequence[Recorded]) -> dict[str, float]:
        """Counts, and how well they agree with what was said to be right, where anything was."""
        kept = [one.verdict == "promoted" for one in self.decisions]
        pairs = [(k, n.kept) for k, n in zip(kept, notes, strict=True) if n.kept is not None]
        right = sum(bool(found and wanted) for found, wanted in pairs)
        found, wanted = sum(k for k, _ in pairs), sum(bool(w) for _, w in pairs)
        shown: dict[str, float] = {"promoted": sum(kept)}
        if pairs:
            shown["precision"] = round(right / found, 3) if found else 0.0
            shown["recall"] = round(right / wanted, 3) if wanted else 0.0
        return shown


def replay(flags: Flags, file: Path | None, trial: Trial, save: Path | None) -> Exit:
    """Replay by the policy of the settings, and by the other if one is tried. Raises LociError."""
    settings = flags.settings()
    tried = trial.applied(settings)
    notes = read_recorded(file) if file else ask(flags, settings, "replay", recorded_of)
    if not notes:
        raise NotFound("There are no scratchpads here. Give a file of recorded sessions.")
    if save is not None:
        write_recorded(save, notes)
    results = {"settings": run_loop(_replayed, settings, notes)}
    if tried != settings:
        results["tried"] = run_loop(_replayed, tried, notes)
    if flags.as_json:
        print_json(_plain(notes, results))
    else:
        _show(notes, results)
    return Exit.OK


async def _replayed(settings: Settings, notes: Sequence[Recorded]) -> Result:
    """Write each session's notes, and promote; one session after the other, as the record has them."""
    with tempfile.TemporaryDirectory(prefix="loci-replay-") as folder:
        update = {"home": Path(folder), "index": "none", **_LARGEST}
        apart = settings.model_copy(update=update)
        decided: dict[int, Decision] = {}
        async with open_app(apart, command="loci replay", warm=False) as app:
            with as_caller(Caller(tenant="replay")):
                memories = await app.memories()
                for session, places in _sessions(notes).items():
                    ids = [(await memories.note(notes[place].note())).id for place in places]
                    done = await memories.promote(session)
                    decided |= zip(places, (done.decisions[one] for one in ids), strict=True)
        return Result([decided[place] for place in range(len(notes))])


def _sessions(notes: Sequence[Recorded]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, note in enumerate(notes):
        found.setdefault(note.session, []).append(place)
    return found


def _plain(notes: Sequence[Recorded], results: Mapping[str, Result]) -> dict[str, object]:
    decisions = [
        {
            "session": note.session,
            "content": note.content,
            **{
                name: {
                    "status": result.decisions[place].verdict,
                    "score": result.decisions[place].score,
                    "scores": result.decisions[place].scores,
                    "reason": result.decisions[place].reason,
                }
                for name, result in results.items()
            },
        }
        for place, note in enumerate(notes)
    ]
    return {
        "sessions": len(_sessions(notes)),
        "notes": len(notes),
        **{name: result.figures(notes) for name, result in results.items()},
        "decisions": decisions,
    }


def _show(notes: Sequence[Recorded], results: Mapping[str, Result]) -> None:
    console = people()
    console.print(f"{len(_sessions(notes)):,} sessions, {len(notes):,} notes")
    for name, result in results.items():
        figures = (f"{what} {value:g}" for what, value in result.figures(notes).items())
        console.print(f"{name}: {', '.join(figures)}")
    shown = table("", "score", "reason", "note")
    names = list(results)
    places = [
        place
        for place in range(len(notes))
        if len(names) == 1
        or results[names[0]].decisions[place].verdict != results[names[1]].decisions[place].verdict
    ]
    if len(names) > 1:
        console.print("What is decided otherwise:" if places else "Nothing is decided otherwise.")
    for place in places[:_SHOWN]:
        one = results[names[-1]].decisions[place]
        mark = "+" if one.verdict == "promoted" else "-"
        text = Text(" ".join(notes[place].content.split())[:200])
        shown.add_row(mark, f"{one.score:.2f}", one.reason, text)
    console.print(shown)
    if len(places) > _SHOWN:
        console.print(f"… and {len(places) - _SHOWN:,} more: --json shows all.")
