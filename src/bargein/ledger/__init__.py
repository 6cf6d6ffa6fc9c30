"""The ledger: one line of JSON for each tentative barge-in and each turn, with all evidence."""
