"""What the handbook has beside the pages in docs/: those made from settings, contracts and the README; link checks."""
