"""Which vectors are held in memory."""

import pytest

from loci.server.index import CodedIndex, ExactIndex, HeldIndex
from loci.server.retrieval.matrices import Matrices

ROOM = 1000
EXACT = ExactIndex(64, ROOM).nbytes
CODED = CodedIndex(64, ROOM).nbytes


def two_that_fit() -> Matrices:
    matrices = Matrices(2 * EXACT)
    for owner in "ab":
        matrices.put(owner, ExactIndex(64, ROOM))
    return matrices


def coded(room: int = ROOM) -> HeldIndex:
    return CodedIndex(64, room)


def test_what_was_used_the_longest_ago_goes_first() -> None:
    matrices = two_that_fit()
    assert matrices.get("a") is not None
    matrices.put("c", ExactIndex(64, ROOM))
    assert [matrices.get(owner) is not None for owner in "abc"] == [True, False, True]
    matrices.put("d", ExactIndex(64, 3 * ROOM))
    assert matrices.get("d") is None
    assert matrices.size() <= 2 * EXACT


def test_what_has_codes_stays_and_has_half_of_the_budget() -> None:
    matrices = Matrices(4 * CODED)
    for owner in "ab":
        assert matrices.admits(owner, CODED)
        matrices.put(owner, coded())
    assert matrices.admits("a", CODED)
    assert not matrices.admits("c", CODED)
    for owner in "defgh":
        matrices.put(owner, ExactIndex(64, ROOM))
    assert matrices.size() <= 4 * CODED
    assert matrices.get("a") is not None
    assert matrices.get("b") is not None
    matrices.drop("a")
    assert matrices.admits("c", CODED)


@pytest.mark.parametrize("grown", [2, 5])
def test_what_grows_beyond_its_half_is_given_up_and_nothing_else(grown: int) -> None:
    matrices = Matrices(4 * CODED)
    matrices.put("a", coded())
    matrices.put("b", ExactIndex(64, ROOM // 2))
    matrices.put("a", coded(grown * ROOM))
    assert (matrices.get("a") is not None) is (grown == 2)
    assert matrices.get("b") is not None


def test_what_stays_leaves_less_room_for_others() -> None:
    matrices = Matrices(4 * CODED)
    matrices.put("a", coded())
    assert matrices.fits("b", 3 * CODED)
    assert not matrices.fits("b", 3 * CODED + 1)
    assert matrices.fits("a", 4 * CODED)


def test_a_look_is_no_use() -> None:
    matrices = two_that_fit()
    assert matrices.peek("a") is not None
    matrices.put("c", ExactIndex(64, ROOM))
    assert matrices.peek("a") is None
