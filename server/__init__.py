"""The memory itself, and how it is served.

Above stands nothing; below stand the rooms, whose imports run downward only (ARCHITECTURE.md draws
them). `app` is the one composition root, `settings` is read there and in `cli` and nowhere else.
"""
