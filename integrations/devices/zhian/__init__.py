"""Zhian's own device contract, over HTTP and MQTT; docs/devices.md and docs/schemas/devices/ describe it."""
