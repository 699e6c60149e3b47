"""How long the sandbox takes to answer."""

import math
from random import Random
from typing import Literal

from msgspec import Struct

from wooxy_async._rules import arguments as checks


class Delay(Struct, frozen=True):
    """A latency: the same for every request, or drawn from a distribution.

    Made by `Delay.fixed`, `Delay.uniform` or `Delay.lognormal`; a plain number is short for `Delay.fixed`.
    With the sandbox's `seed` the draws are the same in every run.
    """

    kind: Literal["fixed", "uniform", "lognormal"]
    first: float
    second: float = 0.0

    @classmethod
    def fixed(cls, seconds: float) -> "Delay":
        """Take the same time for every request.

        Args:
            seconds: 0 or more; 0 answers in the same turn of the loop.

        Raises:
            TypeError: it is no number.
            ValueError: it is negative or not finite.
        """
        return cls("fixed", checks.number("seconds", seconds, 0))

    @classmethod
    def uniform(cls, low: float, high: float) -> "Delay":
        """Draw evenly between two bounds.

        Args:
            low: seconds, 0 or more.
            high: seconds, not under `low`.

        Raises:
            TypeError: a bound is no number.
            ValueError: a bound is negative or not finite, or they are in the wrong order.
        """
        if checks.number("high", high, 0) < checks.number("low", low, 0):
            raise ValueError(f"high must not be under low ({low!r}), not {high!r}")
        return cls("uniform", float(low), float(high))

    @classmethod
    def lognormal(cls, median: float, sigma: float) -> "Delay":
        """Draw from a heavy-tailed distribution, as real servers show it.

        Args:
            median: seconds, more than 0; half of the requests take longer.
            sigma: 0 to 3, the spread of the logarithm: with 0.5 one request in a hundred takes 3.2 times the
                median, with 1.0 ten times.

        Raises:
            TypeError: one of them is no number.
            ValueError: one of them is out of its range.
        """
        if checks.number("median", median, 0) == 0 or checks.number("sigma", sigma, 0) > 3:  # noqa: PLR2004
            raise ValueError(f"median must be over 0 and sigma at most 3, not {median!r} and {sigma!r}")
        return cls("lognormal", float(median), float(sigma))

    def draw(self, random: Random) -> float:
        """Return the seconds that the next request takes."""
        if self.kind == "fixed":
            return self.first
        if self.kind == "uniform":
            return random.uniform(self.first, self.second)
        return random.lognormvariate(math.log(self.first), self.second)


def as_delay(latency: object) -> Delay:
    """Return a `Delay`, made from a plain number where one was given.

    Raises:
        TypeError: it is neither.
        ValueError: the number is negative or not finite.
    """
    return latency if isinstance(latency, Delay) else Delay.fixed(checks.number("latency", latency, 0))
