"""The whole product on a simulated account: some weeks of one person's listening, in a few minutes."""
