"""The account itself: what it consists of, how it is edited, and its own history export."""
