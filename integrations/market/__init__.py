"""Markets that publish their prices; each implements ``domain.community.prices.ports.PriceSourcePort``."""
