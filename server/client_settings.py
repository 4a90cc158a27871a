"""What a client of the daemon may say for itself, and what it was told that would have no effect."""

from collections import ChainMap
from collections.abc import Mapping

from .errors import SettingsError
from .settings import FILE, PREFIX, Layer, Settings, check, unknown

__all__ = ["settings_of_client"]

_CLIENTS = ("tenant", "namespace", "tools", "agent")
"""What each client of the daemon says for itself."""


def settings_of_client(
    own: Settings, flags: Mapping[str, str], environment: Mapping[str, str]
) -> Settings:
    """The daemon's settings for one client: who it is and what it sees are the client's to say,
    everything else is the data directory's.

    Raises:
        SettingsError: the client was given another value for something else, which would have no
            effect; or a wrong one.
    """
    known = {PREFIX + name.upper(): name for name in Settings.model_fields}
    for variable in environment:
        if variable.upper() not in known:
            raise SettingsError(unknown(variable, "the client's environment", list(known)))
    values = {known[variable.upper()]: text for variable, text in environment.items() if text}
    layers = [
        Layer(flags, lambda name: f"the client's --{name}", {}),
        Layer(values, lambda name: f"{PREFIX}{name.upper()} in the client's environment", {}),
    ]
    for layer in layers:
        check(layer)
        given = Settings(**layer.values)
        for name in layer.values:
            _check_effect(own, given, name, layer)
    merged = ChainMap(*(dict(layer.values) for layer in layers))
    chosen = {name: merged[name] for name in _CLIENTS if name in merged}
    checked = Settings(**chosen)
    return own.model_copy(update={name: getattr(checked, name) for name in chosen})


def _check_effect(own: Settings, given: Settings, name: str, layer: Layer) -> None:
    if name == "tenant" and own.profile == "prod" and given.tenant != own.tenant:
        raise SettingsError(
            f"tenant ({layer.source(name)}): in the profile prod it comes from credentials alone."
        )
    if name in _CLIENTS or getattr(own, name) == getattr(given, name):
        return
    raise SettingsError(
        f"{name} ({layer.source(name)}) is {getattr(given, name)}, but the daemon takes its "
        f"settings from {own.home / FILE}, where it is {getattr(own, name)}. Set it there and run "
        "`loci daemon stop`; or serve with --in-process."
    )
