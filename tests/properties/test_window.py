"""The window of a stream, walked through at random: never too far ahead, in order, and nothing is lost in it."""

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tries import tries

from wooxy_async._client.window import Window


class Walk(RuleBasedStateMachine):
    """A source, an API and a consumer who do what they like, when the window permits it."""

    @initialize(slots=st.integers(1, 4))
    def begin(self, slots: int) -> None:
        """Make the window."""
        self.window: Window[int, int] = Window(slots)
        self.pulled = self.started = 0
        self.taken: list[int] = []
        self.dropped: list[int] = []
        self.on_its_way: list[int] = []

    @precondition(lambda self: self.window.may_pull(is_down=False))
    @rule(is_down=st.booleans())
    def pull(self, is_down: bool) -> None:
        """Pull a message where that is permitted; a probe alone where the API is down."""
        if self.window.may_pull(is_down=is_down):
            assert not is_down or self.window.is_empty
            self.window.ready.append(self.pulled)
            self.pulled += 1

    @precondition(lambda self: self.window.ready)
    @rule(caution=st.sampled_from([0, 0, 0, 1, 2, 12]))
    def start(self, caution: int) -> None:
        """Start the message that waits longest, with as many places left empty as was asked for, but one."""
        before = len(self.window.live) + len(self.window.results)
        item = self.window.start_next(caution)
        if item is not None:
            assert before + 1 <= max(self.window.slots - caution, 1)
            assert item not in self.taken
            self.started += 1
        elif self.window.ready:
            assert before >= max(self.window.slots - caution, 1)

    @precondition(lambda self: self.window.live)
    @rule(which=st.randoms(use_true_random=False), is_awaited=st.booleans())
    def answer(self, which, is_awaited: bool) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - hypothesis' own
        """Let any request end, while the consumer waits for it or does not."""
        item = which.choice(list(self.window.live))
        del self.window.live[item]
        if is_awaited and not self.on_its_way and not self.window.results:
            self.window.handed_over = 1
            self.on_its_way.append(item)
        else:
            self.window.results.append(item)

    @precondition(lambda self: self.on_its_way or self.window.results)
    @rule()
    def take(self) -> None:
        """Let the consumer have what is on its way, or what waits for it."""
        if self.on_its_way:
            self.taken.append(self.on_its_way.pop())
            self.window.handed_over = 0
        elif self.window.results:
            self.taken.append(self.window.results.popleft())

    @precondition(lambda self: len(self.window.ready) >= self.window.slots)
    @rule(is_all=st.booleans())
    def give_up(self, is_all: bool) -> None:
        """Let go of what is ready, and maybe of what is live."""
        live = list(self.window.live) if is_all else []
        dropped = self.window.give_up(live)
        assert dropped == sorted(dropped, key=lambda item: (item not in live, item if item not in live else 0))
        assert self.window.is_empty or not is_all
        self.dropped += dropped

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every message that was pulled is in one place."""
        window = self.window
        places = (*window.ready, *window.live, *window.results, *self.on_its_way, *self.taken, *self.dropped)
        assert sorted(places) == list(range(self.pulled))

    @invariant()
    def what_may_be_pulled_is_exact(self) -> None:
        """Up to two for each slot; where the API is down, one when nothing is without a result."""
        window = self.window
        ahead = len(window.results) + len(self.on_its_way)
        held = len(window.live) + len(window.ready)
        assert window.may_pull(is_down=False) == (held + ahead < 2 * window.slots)
        assert window.may_pull(is_down=True) == (held == 0 and ahead < 2 * window.slots)

    @invariant()
    def nothing_is_too_far_ahead(self) -> None:
        """No more than two for each slot are ahead of the consumer, and no more than one for each slot under way."""
        window = self.window
        ahead = self.pulled - len(self.taken) - len(self.dropped)
        assert ahead <= 2 * window.slots
        assert len(window.live) <= window.slots

    @invariant()
    def a_stream_goes_on(self) -> None:
        """A window that is empty and taken permits to pull, and one in which nothing is under way to start."""
        window = self.window
        if window.is_empty and not window.results and not self.on_its_way:
            assert window.wants_more
            assert window.may_pull(is_down=True)
            assert window.may_pull(is_down=False)


TestWindow = Walk.TestCase
TestWindow.settings = settings(max_examples=tries(200), stateful_step_count=60)
