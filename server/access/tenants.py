"""What a tenant can be called."""

__all__ = ["is_tenant_name"]

_LONGEST = 200


def is_tenant_name(name: str) -> bool:
    """Whether a tenant can have the name. Those that begin with a tilde are Loci's own."""
    return 1 <= len(name) <= _LONGEST and name.isprintable() and not name.startswith("~")
