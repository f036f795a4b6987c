"""Fixtures for tests of the community's services."""

from tests.factories.fixtures import clock, clocked, news, vault, world

__all__ = ["clock", "clocked", "news", "vault", "world"]
