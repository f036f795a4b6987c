"""Hikvision ISAPI pushes: access controllers, plate cameras, analytics of cameras, heartbeats."""
