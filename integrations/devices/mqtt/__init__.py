"""MQTT: an embedded broker and a client of an outside one, two thin adapters over the same sink.

    device --PUBLISH--> DeviceBroker (amqtt) ----------------+
                                                             +--> Sink.handle: parse, record, commit --> acknowledge
    device --PUBLISH--> outside broker --> Bridge (gmqtt) ---+

Both acknowledge a QoS 1 message only when ``Sink.handle`` has returned, which is after the database commit.
"""
