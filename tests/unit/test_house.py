"""The house stands as ARCHITECTURE.md draws it: folders, links, rooms, imports, sizes."""

import ast
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

import loci

ROOT = Path(__file__).parents[2]
FOLDERS = ("configs", "prompts", "resources", "server", "tools")
MODULES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
CEILING = 340
"""Lines of a module. It may only fall."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    return [ROOT / one for one in listed.decode().split("\0") if one]


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_at_the_top_is_a_subpackage(folder: str) -> None:
    assert (ROOT / ".src" / "loci" / folder).resolve() == ROOT / folder
    assert Path(str(files("loci") / folder)).resolve() == ROOT / folder


def test_the_package_itself_offers_its_version_and_imports_nothing() -> None:
    assert loci.__all__ == ["__version__"]
    tree = ast.parse((ROOT / ".src/loci/__init__.py").read_text(encoding="utf-8"))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{loci.__version__}"\n' in project


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module opens with what it is for"
    assert text.count("\n") <= CEILING


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_inside_the_package_imports_are_relative(path: Path) -> None:
    """`import server` would load a second copy from the repository's root, where it works by
    accident; `import loci.server` would make the editor lie."""
    own = {*FOLDERS, "loci"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & own
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = (node.module or "").partition(".")[0]
            assert module not in own or node.module == "loci"


def test_each_public_module_lists_what_it_offers() -> None:
    silent = [
        name(path)
        for path in MODULES
        if "versions" not in path.parts
        and path.name not in ("env.py", "__main__.py")
        and "__all__" not in path.read_text(encoding="utf-8")
    ]
    assert silent == [name(path) for path in MODULES if path.name == "__init__.py" and _bare(path)]


def _bare(path: Path) -> bool:
    """Whether a package is only its docstring."""
    return len(ast.parse(path.read_text(encoding="utf-8")).body) == 1


def test_nothing_that_is_kept_names_a_host_or_this_machine() -> None:
    secret = re.compile(
        rb"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian|/work/(main|shared)|/root/"
    )
    skip = {ROOT / "tests/unit/test_house.py"}
    found = [
        name(path)
        for path in tracked()
        if path.is_file() and path not in skip and secret.search(path.read_bytes())
    ]
    assert found == []
