"""A store that goes: everything of it taken out as files, and everything of it erased. For operators only."""
