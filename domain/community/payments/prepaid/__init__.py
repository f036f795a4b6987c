"""What homes have paid ahead: an account of the ledger."""
