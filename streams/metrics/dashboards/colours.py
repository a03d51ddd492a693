"""Colours that people of any colour vision tell apart (Okabe and Ito 2008), and what they stand for."""

BLUE, ORANGE, GREEN, YELLOW, SKY, VERMILLION, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#F0E442", "#56B4E9", "#D55E00", "#CC79A7", "#999999"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW, GREY)
"""One after the other for series of equal rank; a set with more than these goes on with dashed lines."""
WELL, WARNING, CRITICAL = BLUE, ORANGE, VERMILLION
"""Blue and vermillion differ in lightness too, as green and red do not."""
