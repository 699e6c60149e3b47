"""The commands and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from wooxy_async import __version__
from wooxy_async.cli._ending import listed
from wooxy_async.cli._help import Command, Group
from wooxy_async.cli._options import flat
from wooxy_async.cli.commands import account, check, demo, resolve, results, run, sandbox, send, slots, status, stop

_EPILOG = f"""{listed("run")}

These are those of `wooxy run`; the help of each command has its own.

The access token is read from WOOXY_ACCESS_TOKEN or a --token-file, never from
an argument: everybody on a machine can read those.
"""

app = typer.Typer(
    name="wooxy",
    cls=Group,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
for _command, _examples in (
    (demo.demo, demo.EXAMPLES),
    (check.check, check.EXAMPLES),
    (run.run, run.EXAMPLES),
    (status.status, status.EXAMPLES),
    (results.results, results.EXAMPLES),
    (stop.stop, stop.EXAMPLES),
    (resolve.resolve, resolve.EXAMPLES),
    (send.send, send.EXAMPLES),
    (account.account, account.EXAMPLES),
    (slots.slots, slots.EXAMPLES),
    (sandbox.sandbox, sandbox.EXAMPLES),
):
    app.command(cls=Command, epilog=f"[bold]Examples[/bold]{_examples}\n{listed(_command.__name__)}")(flat(_command))


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"wooxy-async {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def wooxy(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Send Viber messages through Wooxy.

    Never more than ten requests at once, never one message twice by itself.
    Start here: wooxy demo
    """
    del version  # its callback has shown it
