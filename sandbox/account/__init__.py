"""The account: its data model, the edits that its owner can make, and its history export."""
