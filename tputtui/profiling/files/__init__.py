"""Read and write profile files, and keep the saved ones."""
