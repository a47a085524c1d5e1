"""Small screens above the others: help, marks, themes and lists to choose from."""
