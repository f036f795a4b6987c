"""Impinj's IoT device interface: tag inventory events as a webhook's array or one per MQTT message."""
