"""loci: a memory server for LLM agents.

The folders beside this file are links to the ones at the top of the repository;
`.src` is only how an editable install and the type checkers see them as one package.
This module imports nothing, so that `loci stdio` can start in milliseconds.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
