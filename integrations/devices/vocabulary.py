"""The closed vocabularies of attributes, in the product's words; docs/devices.md says what each means."""

from __future__ import annotations

from typing import Final

DECISIONS: Final = frozenset({"granted", "refused"})
REASONS: Final = frozenset(
    {
        "unknown_person", "unknown_card", "no_right", "expired", "wrong_time", "wrong_credential", "timeout",
        "temperature", "mask", "mask_or_temperature", "health_code", "anti_passback", "interlock", "blocklist",
        "liveness", "door_locked", "multi_person", "not_enabled", "remote_check", "other",
    }
)  # fmt: skip
METHODS: Final = frozenset(
    {
        "card", "face", "fingerprint", "qr", "password", "id_card", "bluetooth", "remote", "button", "combined",
        "health_code", "plate", "other",
    }
)  # fmt: skip
HEALTH_CODES: Final = frozenset(
    {"green", "yellow", "red", "none", "not_requested", "no_such_person", "error", "timeout"}
)
USER_TYPES: Final = frozenset({"resident", "visitor", "staff", "blocked", "patrol", "other"})
DIRECTIONS: Final = frozenset({"in", "out"})
DOOR_STATES: Final = frozenset(
    {"opened", "closed", "unlocked", "locked", "forced", "held_open", "kept_open", "kept_closed", "released", "other"}
)
PLATE_COLORS: Final = frozenset({"blue", "yellow", "white", "black", "green", "yellow_green", "red", "other"})
VEHICLE_TYPES: Final = frozenset({"car", "suv", "van", "bus", "truck", "two_wheeler", "three_wheeler", "other"})
VEHICLE_LISTS: Final = frozenset({"allow", "block", "temporary", "other"})
TAG_KINDS: Final = frozenset({"active24", "uhf_epc", "uhf_tid"})
CAMERA_EVENTS: Final = frozenset(
    {
        "thrown_object", "fire_lane_blocked", "fire", "smoke", "intrusion", "ebike_in_lift", "parking",
        "line_crossing", "region_entry", "region_exit", "loitering", "crowd", "unattended_object", "object_removed",
        "fall", "fight", "motion", "face", "alarm_input", "tamper", "video_loss", "other",
    }
)  # fmt: skip
TARGETS: Final = frozenset({"human", "vehicle", "ebike", "animal", "object", "other"})
ALARMS: Final = frozenset(
    {
        "tamper", "duress", "fire", "panic", "input", "too_many_failures", "tailgating", "reverse_passage",
        "forced_passage", "climb_over", "intrusion", "fault", "power", "storage", "offline", "operation", "other",
    }
)  # fmt: skip
SWITCHES: Final = frozenset(
    {"smoke", "gas", "water_leak", "contact", "tamper", "battery_low", "duress", "occupancy", "vibration", "alarm"}
)
MEASURES: Final = frozenset(
    {
        "temperature_c", "humidity_percent", "battery_percent", "gas_percent_lel", "smoke_density",
        "liquid_level", "illuminance_lux", "link_quality", "signal_dbm", "voltage_mv",
    }
)  # fmt: skip
