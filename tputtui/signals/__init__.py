"""What numbers mean: rates, quantiles, classification, saturation. Pure: no clock, no file, no network."""
