"""What touches environment, network, drivers or pixels; implements the domain's ports."""
