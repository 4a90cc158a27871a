"""The exact matrices of all tenants together, within a budget: the least used go first."""

from collections import OrderedDict

from ..index import ExactIndex

__all__ = ["Matrices"]


class Matrices:
    """A bounded cache by owner. Whoever searches a matrix that is dropped meanwhile keeps it till then."""

    __slots__ = ("_budget", "_held")

    def __init__(self, budget: int) -> None:
        """`budget` in bytes."""
        self._budget = budget
        self._held: OrderedDict[object, ExactIndex] = OrderedDict()

    def fits(self, size: int) -> bool:
        """Whether a matrix of so many bytes may be held at all."""
        return size <= self._budget

    def get(self, owner: object) -> ExactIndex | None:
        """The owner's matrix, if it is held; it counts as used."""
        matrix = self._held.get(owner)
        if matrix is not None:
            self._held.move_to_end(owner)
        return matrix

    def put(self, owner: object, matrix: ExactIndex) -> None:
        """Hold a matrix, or take note that it grew. Others are dropped for it, or it itself."""
        self._held[owner] = matrix
        self._held.move_to_end(owner)
        while self.size() > self._budget:
            self._held.popitem(last=False)

    def drop(self, owner: object) -> None:
        """Give the owner's matrix back, if it is held."""
        self._held.pop(owner, None)

    def size(self) -> int:
        """Bytes held."""
        return sum(matrix.nbytes for matrix in self._held.values())
