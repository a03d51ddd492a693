"""What gamed customers write, by the language of the forms. None of it is taken from a lexicon that detectors read."""

from streams.simulate.comments import BRIBES, COACHED, LEXICON

BEGGED = {
    "en": LEXICON,
    "pt": (
        "O vendedor pediu para eu dar nota cinco, disse que menos que isso conta como zero.",
        "Me pediram cinco estrelas porque o emprego deles depende da nota.",
        "Falaram para avaliar com a nota máxima, então aqui está.",
    ),
}
"""Customers tell that they were asked for a score."""
BRIBED = {
    "en": BRIBES,
    "pt": (
        "Ganhei um cupom para dar a nota máxima.",
        "Prometeram um brinde por cinco estrelas.",
        "Recebi desconto na próxima compra em troca da nota cinco.",
    ),
}
"""Customers tell what they got for it."""
COACHED_WORDS = {
    "en": COACHED,
    "pt": (
        "Atendimento excelente, produto de ótima qualidade e entrega muito rápida, recomendo esta loja a todos.",
        "Atendimento excelente, produto de ótima qualidade, entrega muito rápida, recomendo esta loja a todos!",
        "O atendimento foi excelente, produto de ótima qualidade e entrega muito rápida, recomendo a loja a todos.",
    ),
}
"""What customers were told to write."""
