"""The live screen and the commands of its keys."""
