"""One readable loop, resumable to the byte."""
