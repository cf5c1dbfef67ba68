"""The whole product on a simulated account: a few weeks of somebody's listening in a few minutes."""
