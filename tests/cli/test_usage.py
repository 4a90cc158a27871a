"""Help, versions, exit codes and settings at the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loci.server.cli import models
from loci.server.embedding import Manifest, shipped

from .conftest import Loci


def test_the_version_is_said_at_once(loci: Loci) -> None:
    assert loci("--version").stdout == "loci 0.1.0\n"


def test_help_lists_every_command_and_the_exit_codes(loci: Loci) -> None:
    text = " ".join(loci("--help").stdout.split())
    commands = "stdio demo remember recall forget ls show stats doctor models daemon connect"
    assert all(f" {command} " in text for command in commands.split())
    for code in ("0 done", "1 failed", "2 wrong usage", "3 nothing", "4 another process"):
        assert code in text


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["recall", "--nonsense"], ["remember", "two", "words"], ["stdio", "--nonsense"]],
)
def test_wrong_usage_exits_with_2(loci: Loci, arguments: list[str]) -> None:
    assert loci(*arguments, code=2).stderr


@pytest.mark.parametrize(
    "verb", [["stdio", "--in-process"], ["ls"], ["doctor"], ["models", "list"]]
)
def test_a_wrong_setting_exits_with_2_and_one_line(loci: Loci, verb: list[str]) -> None:
    said = loci(*verb, code=2, env={"LOCI_THREADS": "many"}).stderr
    assert said == (
        "loci: threads: 'many' (from LOCI_THREADS in the environment) is not allowed. "
        "Use a whole number from 1 to 256.\n"
    )


def test_options_of_every_command_may_stand_before_its_name(loci: Loci) -> None:
    assert '"in_use":true' in loci("--json", "--profile", "dev", "models", "list").stdout
    assert "usage: loci stdio" in loci("--home", "x", "stdio", "--help").stdout


def test_models_are_listed(loci: Loci) -> None:
    text = loci("models", "list").stdout
    assert "all-MiniLM-L6-v2/int8/" in text
    assert "hash/words+trigrams/64" in text


def test_what_is_no_model_is_not_compiled(loci: Loci) -> None:
    said = loci("models", "compile", ".", "--to", "compiled", code=1).stderr
    assert "is not a sentence-transformers model" in said


def test_a_model_is_compiled_as_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told: dict[str, object] = {}

    def compiling(
        source: Path,
        target: Path,
        *,
        name: str | None,
        quantize: bool,
        progress: Callable[[str], None],
    ) -> Manifest:
        told.update(source=source, target=target, name=name, quantize=quantize)
        progress("Reading the weights")
        return shipped().manifest

    monkeypatch.setattr(models, "compile_model", compiling)
    models.compile_folder(tmp_path, tmp_path / "to", None, quantize=False, as_json=True)
    assert told == {"source": tmp_path, "target": tmp_path / "to", "name": None, "quantize": False}
    report = json.loads(capsys.readouterr().out)
    assert report["folder"] == str(tmp_path / "to")
    assert report["dimension"] == 384
