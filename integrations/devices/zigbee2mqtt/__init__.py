"""Zigbee2MQTT: flat states of Zigbee sensors, without id or time, repeated."""
