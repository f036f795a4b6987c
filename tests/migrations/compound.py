"""A compound with a building as any revision has it, for rows that are upgraded."""

from __future__ import annotations

from typing import Final

PLACE: Final = "1, 2, 3, 4"
AREAS: Final = "county_id, town_id, community_id, compound_id"
COMPOUND: Final = f"""
set role zhian_owner;
set app.counties = '1';
insert into area (id, parent_id, level, path, name, county_id, town_id, community_id, compound_id, kind) values
  (1, null, 'county', '1', 'A', 1, null, null, null, null), (2, 1, 'town', '1.2', 'B', 1, 2, null, null, null),
  (3, 2, 'community', '1.2.3', 'C', 1, 2, 3, null, null), (4, 3, 'compound', '1.2.3.4', 'D', 1, 2, 3, 4, 'closed');
insert into building (id, {AREAS}, name) values (1, {PLACE}, '1');
"""
