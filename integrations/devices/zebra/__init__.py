"""Zebra's IoT Connector and sleds: batches of tag data, and simple tag events."""
