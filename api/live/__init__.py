"""Live feeds: one reader per log, shared by every subscriber; a cursor in every item; replay, then live.

``FeedHub`` owns a ``Tail`` per log. A subscription resolver returns ``hub.feed(...)``; the endpoint attaches it to a
socket or event stream. PostgreSQL is the log, news only says when to look.
"""

from api.live.feed import Feed, FeedHub
from api.live.log import LogItem, LogSource
from api.live.tail import Tail

__all__ = ["Feed", "FeedHub", "LogItem", "LogSource", "Tail"]
