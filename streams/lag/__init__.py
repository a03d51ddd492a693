"""How far the workers are behind, and what they have found: looked at from outside them."""
