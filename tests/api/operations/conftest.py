"""The application and its devices."""

from tests.factories.ingest import ingest

__all__ = ["ingest"]
