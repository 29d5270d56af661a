"""The state of finished years, compressed, with checksums, in files."""
