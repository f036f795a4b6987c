"""Tasmota: Zigbee bridges and sensors that speak Tasmota's MQTT."""
