"""Settings: where they come from, and what is said of a wrong one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loci.server.client_settings import settings_of_client
from loci.server.errors import SettingsError
from loci.server.settings import Settings, load_settings, settings_table


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in [name for name in os.environ if name.upper().startswith("LOCI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOCI_HOME", str(tmp_path))
    return tmp_path


def write_toml(home: Path, text: str) -> None:
    (home / "loci.toml").write_text(text, encoding="utf-8")


def refusal(**flags: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags)
    return str(caught.value)


def test_a_later_source_overrides_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().tenant == "local"
    write_toml(tmp_path, 'tenant = "from toml"\nprofile = "prod"\n')
    assert load_settings().tenant == "from toml"
    assert load_settings().log_format == "json"
    write_toml(tmp_path, 'tenant = "from toml"\nprofile = "prod"\nlog_format = "console"\n')
    assert load_settings().log_format == "console"
    monkeypatch.setenv("LOCI_TENANT", "from environment")
    assert load_settings().tenant == "from environment"
    assert load_settings({"tenant": "from flag"}).tenant == "from flag"


def test_the_home_of_a_flag_is_where_the_file_is_looked_for(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_toml(other, "threads = 3\n")
    assert load_settings({"home": other}).threads == 3
    assert load_settings().threads is None


def test_without_a_home_it_is_the_users_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCI_HOME")
    home = load_settings().home
    assert home.is_absolute()
    assert home.name == "loci"


def test_a_tilde_is_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({"home": "~/memory"}).home == tmp_path / "memory"
    assert load_settings({"embedder": "~/model"}).embedder == str(tmp_path / "model")


def test_an_empty_variable_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCI_THREADS", "")
    assert load_settings().threads is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().tenant = "other"


def test_settings_made_directly_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCI_TENANT", "from environment")
    assert Settings().tenant == "local"


BAD: dict[str, object] = {
    "profile": "production",
    "tenant": "~canary",
    "namespace": "a//b",
    "tools": "all",
    "agent": "",
    "embedder": "openai",
    "device": "",
    "backend": "jax",
    "truncate_dim": 1,
    "reranker": "",
    "revision": "",
    "query_prompt": 1,
    "document_prompt": 1,
    "threads": 0,
    "index": "http://host/path",
    "exact_up_to": -1,
    "vectors_mb": 0,
    "max_content": 5,
    "max_batch": "many",
    "restore_days": 0,
    "hot_tokens": -1,
    "hot_count": 0,
    "hot_bytes": 1,
    "warm_count": 0,
    "warm_bytes": 0,
    "warm_tokens": 0,
    "eviction": "mru",
    "cold_after_days": 0,
    "young_days": -1,
    "reflect_hours": 0,
    "reflect_most": 0,
    "retention": "all: burn",
    "similar_from": 1.5,
    "least_relevance": -0.1,
    "diversity": 1.5,
    "board_value": 0,
    "board_history": 0,
    "board_wait": 0,
    "pad_chars": 999,
    "pad_days": 0,
    "session_minutes": 0,
    "promotion_weights": "novelty=1",
    "promotion_from": 1.1,
    "updates": "delete",
    "idle_seconds": 0,
    "signals": "some",
    "secrets": "keep",
    "max_memories": 0,
    "max_megabytes": 0,
    "board_cells": 0,
    "audit": "perhaps",
    "host": "",
    "port": 70_000,
    "public_url": "https://memory.example.com/mcp",
    "allowed_hosts": "*.example.com",
    "allowed_origins": "chat.example.com",
    "tls_cert": 1,
    "tls_key": 1,
    "sse": "perhaps",
    "auth": "none",
    "jwt_keys": "http://login.example.com/keys",
    "jwt_issuer": "",
    "jwt_audience": "",
    "jwt_algorithms": "RS256,HS256",
    "jwt_tenant_claim": "",
    "jwt_agent_claim": "",
    "jwt_scope_claim": "",
    "rate": 0,
    "burst": 0,
    "concurrency": 0,
    "streams": 0,
    "max_body_kb": 1,
    "metrics": "all",
    "log_level": "loud",
    "log_format": "xml",
}


def test_every_setting_has_a_bad_value_here() -> None:
    assert set(BAD) == set(Settings.model_fields) - {"home"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_refused_by_name_with_what_is_allowed(name: str) -> None:
    allowed = next(row for row in settings_table().splitlines() if f"| `{name}` |" in row)
    text = refusal(**{name: BAD[name]})
    assert text.startswith(f"{name}: {BAD[name]!r} (from --{name}) is not allowed. Use ")
    assert text.partition(". Use ")[2].rstrip(".") in allowed
    assert "\n" not in text
    assert "pydantic" not in text


def test_a_bad_value_in_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCI_THREADS", "many")
    assert refusal() == (
        "threads: 'many' (from LOCI_THREADS in the environment) is not allowed. "
        "Use a whole number from 1 to 256."
    )


def test_a_bad_value_in_the_file_names_the_file_even_if_it_is_overridden(tmp_path: Path) -> None:
    write_toml(tmp_path, 'tools = "some"\n')
    assert refusal(tools="core") == (
        f"tools: 'some' (from {tmp_path / 'loci.toml'}) is not allowed. Use core or full."
    )


def test_a_long_bad_value_is_cut() -> None:
    assert len(refusal(tools="x" * 10_000)) < 200


def test_an_unknown_name_in_the_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write_toml(tmp_path, "thread = 2\n")
    assert refusal() == (
        f"thread: there is no such setting (from {tmp_path / 'loci.toml'}). Did you mean threads?"
    )


def test_an_unknown_section_in_the_file_is_refused_with_all_names(tmp_path: Path) -> None:
    write_toml(tmp_path, "[zzz]\nx = 1\n")
    text = refusal()
    assert text.startswith("zzz: there is no such setting")
    assert all(name in text for name in Settings.model_fields)


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCI_TENNANT", "me")
    assert refusal() == (
        "LOCI_TENNANT: there is no such setting (from the environment). Did you mean LOCI_TENANT?"
    )


def test_the_home_cannot_be_set_in_its_own_file(tmp_path: Path) -> None:
    write_toml(tmp_path, 'home = "/elsewhere"\n')
    assert refusal() == (
        f"home cannot be set in {tmp_path / 'loci.toml'} (the file lies in it): "
        "use --home or LOCI_HOME."
    )


@pytest.mark.parametrize("content", [b"tenant = ", b"tenant = '\xff'", b"a = 1\na = 2\n"])
def test_a_malformed_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "loci.toml").write_bytes(content)
    assert refusal().startswith(f"{tmp_path / 'loci.toml'} is not valid TOML in UTF-8: ")


def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "loci.toml").mkdir()
    assert refusal().startswith(f"{tmp_path / 'loci.toml'} cannot be read: ")


def test_what_has_no_effect_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCI_DEVICE", "cuda")
    assert refusal() == (
        "device (from LOCI_DEVICE in the environment) has no effect on the embedder minilm. "
        "Leave it out, or set embedder to sentence-transformers:NAME."
    )


def test_a_relative_model_folder_is_refused() -> None:
    assert "is not allowed" in refusal(embedder="./model")
    assert "is not allowed" in refusal(embedder="sentence-transformers:./model")
    assert "is not allowed" in refusal(embedder="sentence-transformers:")


def test_the_table_is_printed_for_the_documentation() -> None:
    command = [sys.executable, "-m", "loci.server.settings"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == settings_table()
    assert len(done.stdout.splitlines()) == 2 + len(Settings.model_fields)


@pytest.mark.parametrize("profile", ["embedded", "dev", "prod"])
def test_a_profile_only_has_settings_that_exist(profile: str) -> None:
    assert load_settings({"profile": profile}).profile == profile


# What a client of the daemon was given


def of_client(own: Settings, flags: dict[str, str], **environment: str) -> Settings:
    return settings_of_client(own, flags, environment)


def test_a_client_says_who_it_is_and_a_flag_is_above_its_environment() -> None:
    own = Settings(tenant="mara", namespace="home")
    assert of_client(own, {}) == own
    found = of_client(own, {"tenant": "tomas"}, LOCI_TENANT="ada", LOCI_AGENT="planner")
    assert (found.tenant, found.namespace, found.agent) == ("tomas", "home", "planner")
    assert of_client(own, {}, LOCI_TENANT="").tenant == "mara"


def test_what_is_the_daemons_may_be_repeated_by_a_client_and_not_changed() -> None:
    own = Settings(embedder="hash", max_batch=7)
    assert of_client(own, {"profile": "embedded"}, LOCI_EMBEDDER="hash", LOCI_MAX_BATCH="7") == own
    with pytest.raises(SettingsError) as caught:
        of_client(own, {}, LOCI_MAX_BATCH="8")
    assert str(caught.value) == (
        "max_batch (LOCI_MAX_BATCH in the client's environment) is 8, but the daemon takes its "
        f"settings from {own.home / 'loci.toml'}, where it is 7. Set it there and run "
        "`loci daemon stop`; or serve with --in-process."
    )
    with pytest.raises(SettingsError, match=r"^profile \(the client's --profile\) is dev, but"):
        of_client(own, {"profile": "dev"})


def test_what_a_client_was_given_is_checked_like_anything_else() -> None:
    with pytest.raises(SettingsError, match=r"^tenant: '~x' \(from the client's --tenant\) is not"):
        of_client(Settings(), {"tenant": "~x"})
    with pytest.raises(SettingsError, match=r"no such setting .* Did you mean LOCI_TENANT\?"):
        of_client(Settings(), {}, LOCI_TENNANT="x")


def test_in_production_no_client_chooses_its_tenant() -> None:
    own = Settings(profile="prod", tenant="mara")
    assert of_client(own, {"tenant": "mara"}).tenant == "mara"
    with pytest.raises(SettingsError, match="comes from credentials alone"):
        of_client(own, {}, LOCI_TENANT="tomas")
