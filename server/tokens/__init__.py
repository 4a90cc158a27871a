"""How many tokens a text costs a model: exact, offline, by tiktoken's `o200k_base`.

Above stand the engine and retrieval, which fit answers into token budgets; below stand only the
errors. The table of tokens is package data (`o200k_base.xz`): nothing here touches the network.
"""

from .counter import TokenCounter

__all__ = ["TokenCounter"]
