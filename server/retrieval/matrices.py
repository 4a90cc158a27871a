"""The vectors of all tenants that are held in memory, within a budget.

What is read in a moment goes when others are used; what takes long to read stays, and has half of the budget.
"""

from collections import OrderedDict

from ..index import CodedIndex, ExactIndex, HeldIndex

__all__ = ["CODED", "Matrices", "by_codes", "fitting", "held_for"]

CODED = 20_000
"""Vectors from which it is quicker to compare codes first."""


class Matrices:
    """A bounded cache by owner. Whoever searches what is dropped meanwhile keeps it till then."""

    __slots__ = ("_budget", "_held")

    def __init__(self, budget: int) -> None:
        """`budget` in bytes."""
        self._budget = budget
        self._held: OrderedDict[object, HeldIndex] = OrderedDict()

    def fits(self, owner: object, size: int) -> bool:
        """Whether the owner may hold so many bytes at all, until others are used."""
        return self._staying(owner) + size <= self._budget

    def admits(self, owner: object, size: int) -> bool:
        """Whether the owner may hold so many bytes with codes, which no other has to make room for."""
        return self._staying(owner) + size <= self._budget // 2

    def peek(self, owner: object) -> HeldIndex | None:
        """What is held for the owner, if anything."""
        return self._held.get(owner)

    def get(self, owner: object) -> HeldIndex | None:
        """The same; it counts as used."""
        matrix = self._held.get(owner)
        if matrix is not None:
            self._held.move_to_end(owner)
        return matrix

    def put(self, owner: object, matrix: HeldIndex) -> None:
        """Hold this, or take note that it grew. Others without codes are dropped for it, or it itself."""
        self._held[owner] = matrix
        self._held.move_to_end(owner)
        if isinstance(matrix, CodedIndex) and not self.admits(owner, matrix.nbytes):
            self.drop(owner)
        leaving = [one for one, held in self._held.items() if not isinstance(held, CodedIndex)]
        for one in leaving:
            if self.size() <= self._budget:
                break
            self.drop(one)

    def drop(self, owner: object) -> None:
        """Give back what is held for the owner, if anything."""
        self._held.pop(owner, None)

    def size(self) -> int:
        """Bytes held."""
        return sum(matrix.nbytes for matrix in self._held.values())

    def _staying(self, owner: object) -> int:
        """Bytes that others hold with codes."""
        others = (held for one, held in self._held.items() if one != owner)
        return sum(held.nbytes for held in others if isinstance(held, CodedIndex))


def by_codes(count: int) -> bool:
    """Whether so many are searched by codes first, if they are in memory."""
    return count > CODED


def held_for(dimension: int, room: int, *, coded: bool) -> HeldIndex:
    """What holds so many vectors, empty."""
    return CodedIndex(dimension, room) if coded else ExactIndex(dimension, room)


def fitting(matrix: HeldIndex, count: int) -> bool:
    """Whether it is of the right kind for so many, or nearly so."""
    return count > CODED // 2 if isinstance(matrix, CodedIndex) else count <= 2 * CODED
