"""Files and words that were made to harm."""
