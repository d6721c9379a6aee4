"""Pictures between files and arrays: reading, writing, colour, sheets, drawings."""
