"""The fault table: everything that a network, a proxy or a server may do to a message, and which outcome is right."""

from __future__ import annotations

from typing import Final

from fault import Fault
from faults_answers import ANSWERS
from faults_connect import CONNECT
from faults_framing import FRAMING
from faults_idle import IDLE
from faults_lost import LOST
from faults_proxy import PROXY
from faults_redirect import REDIRECTS

FAULTS: Final[tuple[Fault, ...]] = (*ANSWERS, *FRAMING, *REDIRECTS, *LOST, *IDLE, *CONNECT, *PROXY)

__all__ = ["FAULTS", "Fault"]
