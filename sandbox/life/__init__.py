"""A believable owner: their world of music, their taste, their days."""
