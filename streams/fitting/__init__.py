"""Models of customers that are fitted in batch: who is alive and what they will spend, what drives scores, and what predicts buying again.

All modules but ``reading`` and ``run`` are pure: the same arrays give the same numbers.
"""
