"""Devices, events, sightings, alerts and e-bikes: the security domain."""
