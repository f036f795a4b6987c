"""Which e-bike carries a tag, and how plates and tags are kept."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.ports import Vault
from domain.security.ebikes.models import EBike, EBikeTag
from domain.security.ebikes.rules import TaggedBike


def plate_place(ebike_id: int) -> str:
    """Where the plate of an e-bike stands."""
    return f"ebike|plate|{ebike_id}"


def tag_place(ebike_id: int, tag_index: bytes) -> str:
    """Where a tag of an e-bike stands."""
    return f"ebike_tag|tag|{ebike_id}.{tag_index.hex()}"


def tag_columns(vault: Vault, compound_id: int, ebike_id: int, tag: str) -> dict[str, bytes]:
    """The columns of a normalised tag: sealed, and its blind index. The compound's key is ready."""
    index = vault.index("ebike_tag.tag", tag)
    return {"tag": vault.seal(tag, tag_place(ebike_id, index), area=compound_id), "tag_index": index}


async def bikes_of(connection: AsyncConnection, vault: Vault, tags: Iterable[str]) -> dict[str, TaggedBike]:
    """The e-bikes in use that carry ``tags``, by tag."""
    sought = {vault.index("ebike_tag.tag", tag): tag for tag in tags}
    statement = (
        select(EBikeTag.tag_index, EBike.id, EBike.home_id, EBike.compound_id, EBike.guarded_since)
        .join(EBike, EBike.id == EBikeTag.ebike_id)
        .where(EBikeTag.tag_index.in_(sought), EBikeTag.removed_at.is_(None), EBike.in_use())
    )
    return {
        sought[row.tag_index]: TaggedBike(row.id, row.home_id, row.compound_id, row.guarded_since)
        for row in await connection.execute(statement)
    }
