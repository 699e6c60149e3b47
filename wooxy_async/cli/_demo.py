"""`wooxy demo`: a whole campaign on this machine, with the troubles that real ones have."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from wooxy_async import WooxyClient
from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns import Campaign, Contacts, Plan
from wooxy_async.cli._demo_contacts import DOUBTFUL_ROW, LEAST, MOST, REFUSED_ROWS, number_of, write_contacts
from wooxy_async.cli._exits import ExitCode, refusing
from wooxy_async.cli._options import SLOTS, AsJson
from wooxy_async.cli._preview import notes_table, unusable_counts
from wooxy_async.cli._report import Report
from wooxy_async.cli._results import ResultsFile
from wooxy_async.cli._screen import facts, make_screen, print_json
from wooxy_async.cli._run import send_campaign
from wooxy_async.cli._summary import show_outcomes
from wooxy_async.cli._tally import note_unusable
from wooxy_async.sandbox import Fault, Sandbox
