"""`python -m wooxy_async.cli`, where the script `wooxy` is not on the path."""

from wooxy_async.cli import main

main()
