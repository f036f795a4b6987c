"""Settings that would do harm are refused at the start, by name."""

from __future__ import annotations

import pytest

from integrations.settings import read_settings


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "much"])
def test_a_rate_factor_that_ends_or_lifts_all_limits_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="ZHIAN_RATE_FACTOR"):
        read_settings({"ZHIAN_DATABASE_URL": "postgresql://x", "ZHIAN_RATE_FACTOR": value})


def test_documents_are_any_or_registered_ones() -> None:
    given = {"ZHIAN_DATABASE_URL": "postgresql://x"}
    assert read_settings(given).documents == "any"
    assert read_settings({**given, "ZHIAN_DOCUMENTS": "registered"}).documents == "registered"
    with pytest.raises(ValueError, match="ZHIAN_DOCUMENTS"):
        read_settings({**given, "ZHIAN_DOCUMENTS": "trusted"})


@pytest.mark.parametrize(("profile", "default"), [("production", "required"), ("developer", "optional")])
def test_a_second_factor_is_required_in_production_unless_said_otherwise(profile: str, default: str) -> None:
    given = {"ZHIAN_DATABASE_URL": "postgresql://x", "ZHIAN_PROFILE": profile}
    assert read_settings(given).second_factor == default
    for value in ("required", "optional", "everybody"):
        assert read_settings({**given, "ZHIAN_SECOND_FACTOR": value}).second_factor == value
    with pytest.raises(ValueError, match="ZHIAN_SECOND_FACTOR"):
        read_settings({**given, "ZHIAN_SECOND_FACTOR": "off"})


@pytest.mark.parametrize("name", ["RAW", "PICTURE", "EVENT", "SIGHTING", "ALERT"])
@pytest.mark.parametrize("value", ["0", "-1", "soon"])
def test_a_retention_of_less_than_a_day_is_refused(name: str, value: str) -> None:
    variable = f"ZHIAN_{name}_RETENTION_DAYS"
    with pytest.raises(ValueError, match=variable):
        read_settings({"ZHIAN_DATABASE_URL": "postgresql://x", variable: value})
