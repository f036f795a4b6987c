"""Pictures that people send: kept a day for their sender, then as long as what they were attached to needs them."""
