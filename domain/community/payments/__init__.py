"""What homes owe, how it is paid, and the ledger of both."""
