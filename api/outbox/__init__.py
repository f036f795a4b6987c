"""What happened and could not be handed on: for county operators."""
