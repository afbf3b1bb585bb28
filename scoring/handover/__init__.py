"""The indicator feed for an outside scoring system: a folder of Parquet and JSON under a contract, and its check.

`contract.yaml` is the contract; `write` makes a folder, `check` judges one, whoever made it. docs/handover.md is for
the other side.
"""
