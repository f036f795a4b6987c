"""Known attacks, each refused by a named test.

Here: graphql-cop, graphql-armor, what is made to cost much, operations made at random, XML, SSRF, webhooks. Elsewhere:
tokens in ``tests/unit/identity/test_tokens.py``, pictures in ``tests/contract/vision``, bodies of devices in
``tests/api/devices/test_caps.py`` and ``tests/unit/devices/test_never_raises.py``, signatures in
``tests/unit/test_signing.py``, trusted documents in ``tests/api/execution``.
"""
