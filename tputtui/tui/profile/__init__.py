"""The profile screens and the captures behind them."""
