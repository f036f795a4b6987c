"""Auto-pay: residents agree with a vendor that what their homes owe is taken by itself, within limits of theirs."""
