"""Both vendors' gateways as they speak on the wire, on this machine: for the demo and for tests. No money moves."""
