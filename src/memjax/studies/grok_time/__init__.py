"""Time to grok: grokking on modular arithmetic (Power et al., 2022; Nanda et al., 2023)."""
