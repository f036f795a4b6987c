"""ThingsBoard's device and gateway API: telemetry of any name, with or without time."""
