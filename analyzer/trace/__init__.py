"""`trace`: the story of each message, joined over hosts and files."""
