"""The root types and node readers of the community's slices, as the schema merges them."""

from __future__ import annotations

from api.community.applications import queries as applications
from api.community.applications.subscriptions import ApplicationSubscription
from api.community.bills import imports as bill_imports
from api.community.bills import queries as bills
from api.community.bills.mutations import BillsMutation
from api.community.housekeeping import queries as housekeeping
from api.community.housekeeping.bookings import HousekeepingBookingMutation
from api.community.housekeeping.mutations import HousekeepingMutation
from api.community.payments import queries as payments
from api.community.payments.autopay import queries as autopay
from api.community.payments.autopay.mutations import AutopayMutation
from api.community.payments.mutations import PaymentMutation
from api.community.prices import queries as prices
from api.community.prices.mutations import PriceMutation
from api.community.repairs import queries as repairs
from api.community.repairs.mutations import RepairMutation, RepairWorkMutation
from api.community.uploads import queries as uploads
from api.nodes import NodeReader

QUERIES: tuple[type, ...] = (
    bill_imports.BillImportQuery,
    bills.BillsQuery,
    applications.ApplicationQuery,
    autopay.AutopayQuery,
    housekeeping.HousekeepingQuery,
    payments.PaymentQuery,
    prices.PriceQuery,
    repairs.RepairQuery,
    uploads.UploadQuery,
)
MUTATIONS: tuple[type, ...] = (
    bill_imports.BillImportMutation,
    AutopayMutation,
    BillsMutation,
    HousekeepingBookingMutation,
    HousekeepingMutation,
    PaymentMutation,
    PriceMutation,
    RepairMutation,
    RepairWorkMutation,
)
SUBSCRIPTIONS: tuple[type, ...] = (ApplicationSubscription,)
NODE_READERS: dict[str, NodeReader] = {
    **bills.NODE_READERS,
    **applications.NODE_READERS,
    **autopay.NODE_READERS,
    **housekeeping.NODE_READERS,
    **payments.NODE_READERS,
    **prices.NODE_READERS,
    **repairs.NODE_READERS,
    **uploads.NODE_READERS,
}
