"""`python -m loci.server`: the `loci` command, for where the script is not on the path."""

from .cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
