"""What a search asks for: the values that each setting may take, in Hydra's grammar, and how they are chosen."""
