"""PostgreSQL and Valkey as child processes, from wheels, so that a fresh machine needs only Python.

``prepare()`` makes the files, ``command()`` says what to run, ``ready()`` whether it answers; the supervisor of
``zhian up`` owns the processes. ``start()`` and ``stop()`` do the same for tests and short commands.
"""

from integrations.embedded.postgres import EmbeddedPostgres
from integrations.embedded.process import Command, EmbeddedServerError
from integrations.embedded.valkey import EmbeddedValkey

__all__ = ["Command", "EmbeddedPostgres", "EmbeddedServerError", "EmbeddedValkey"]
