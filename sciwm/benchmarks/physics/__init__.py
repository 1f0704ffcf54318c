"""What each term of physics is worth, on four flows, and what it all has to beat."""
