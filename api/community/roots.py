"""The root types and node readers of the community's slices, as the schema merges them."""

from __future__ import annotations

from api.community.applications import queries as applications
from api.community.applications.subscriptions import ApplicationSubscription
from api.community.housekeeping import queries as housekeeping
from api.community.housekeeping.mutations import HousekeepingMutation
from api.community.bills import queries as bills
from api.community.bills.mutations import BillsMutation
from api.community.uploads import queries as uploads
from api.nodes import NodeReader

QUERIES: tuple[type, ...] = (
    applications.ApplicationQuery,
    housekeeping.HousekeepingQuery,
    uploads.UploadQuery,
)
MUTATIONS: tuple[type, ...] = (HousekeepingMutation,)
SUBSCRIPTIONS: tuple[type, ...] = (ApplicationSubscription,)
NODE_READERS: dict[str, NodeReader] = {
    **applications.NODE_READERS,
    **housekeeping.NODE_READERS,
    bills.BillsQuery,
    uploads.UploadQuery,
)
MUTATIONS: tuple[type, ...] = (BillsMutation,)
SUBSCRIPTIONS: tuple[type, ...] = (ApplicationSubscription,)
NODE_READERS: dict[str, NodeReader] = {
    **applications.NODE_READERS,
    **bills.NODE_READERS,
    **uploads.NODE_READERS,
}
