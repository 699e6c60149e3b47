"""The transport's own judgement, where no server can be made to hit the moment."""

from wooxy_async._adapters.transport import _unusable
from wooxy_async._ports import Handover


def test_an_answer_that_was_there_before_its_request_means_that_nothing_was_sent() -> None:
    """An answer on a connection to which nothing was written belongs to nobody; one that is too long to a request."""
    handover = Handover(lambda: True)
    assert _unusable(handover).kind == "not_connected"
    handover.started = True
    assert _unusable(handover).kind == "unreadable_answer"
