"""Where a subject (tag, plate, card) was seen."""
