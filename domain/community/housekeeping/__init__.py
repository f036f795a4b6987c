"""Housekeeping and cleaning: providers with their price lists and workers, calendars, bookings."""
