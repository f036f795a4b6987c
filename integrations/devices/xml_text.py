"""XML bodies as the same nested objects that JSON gives: local names, text leaves, lists where a name repeats."""

from __future__ import annotations

import re
from typing import Any, Final, cast
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from domain.security.devices.observation import Reason
from integrations.devices.json_text import as_utf8
from integrations.devices.limits import XML_DEPTH, XML_ELEMENTS
from integrations.devices.push import Refused

_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]{0,100}encoding\s*=\s*["']([A-Za-z0-9_.-]{2,20})["']""")


class _Builder:
    """A parser target that builds the objects and stops at the caps, so that depth costs a counter and no stack."""

    def __init__(self) -> None:
        self.root: tuple[str, Any] | None = None
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element opens; its attributes carry nothing that events need."""
        self._elements += 1
        if self._elements > XML_ELEMENTS or len(self._open) >= XML_DEPTH:
            raise Refused(Reason.TOO_LARGE, f"XML of more than {XML_DEPTH} levels or {XML_ELEMENTS} elements")
        self._open.append((tag.rpartition("}")[2], {}, []))

    def data(self, content: str) -> None:
        """Text inside the open element."""
        if self._open:
            self._open[-1][2].append(content)

    def end(self, tag: str) -> None:
        """The open element closes: it is an object if it held elements, text otherwise."""
        name, members, pieces = self._open.pop()
        value: Any = members or "".join(pieces).strip()
        if not self._open:
            self.root = (name, value)
            return
        parent = self._open[-1][1]
        if name not in parent:
            parent[name] = value
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]

    def close(self) -> tuple[str, Any] | None:
        """The root's name and value."""
        return self.root


def load(body: bytes, content_type: str = "") -> tuple[str, Any]:
    """The root element's local name and its content. Raises Refused on anything that is not one XML document.

    A DTD, an entity or an external reference is refused; so are more levels or elements than the caps.
    """
    declared = _DECLARED.match(body)
    charset = f"charset={declared[1].decode()}" if declared else content_type
    decoded = as_utf8(body, charset)
    encoding = "utf-8" if decoded is not body else None
    parser = DefusedXMLParser(target=_Builder(), encoding=encoding, forbid_dtd=True)
    try:
        parser.feed(decoded.lstrip())
        root = cast("tuple[str, Any] | None", parser.close())  # of _Builder
    except DefusedXmlException as error:
        raise Refused(Reason.UNPARSEABLE, "XML with a DTD or entities is refused") from error
    except (ParseError, ExpatError, ValueError, LookupError) as error:
        raise Refused(Reason.UNPARSEABLE, "not XML") from error
    if root is None:
        raise Refused(Reason.UNPARSEABLE, "not XML")
    return root
