"""Who is known by what, and who must not be: keys, tokens, later erasure, suppression and retention."""
