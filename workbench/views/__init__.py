"""What several pages draw: the structure player, the request form, the takes of a visit."""
