"""How begging for a score sounds: one lexicon a language, as data."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

Words = Annotated[str, Field(pattern=r"^[a-z0-9]+( [a-z0-9]+)*$", max_length=60)]
"""Words in lower case without accents or punctuation, as comments are read: "didn't" is "didn t"."""
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
_PHRASE = re.compile(r"^([a-z0-9]+|\{[a-z]+\})((\||\s)(\.\.\.|[a-z0-9]+|\{[a-z]+\}))*$")
_LIST = re.compile(r"\{([a-z]+)\}")


class Lexicon(BaseModel):
    """Phrases of one language that say that a particular score was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    lists: dict[Annotated[str, Field(pattern=r"^[a-z]+$")], tuple[Words, ...]] = Field(default_factory=dict)
    """Words that phrases name in braces."""
    phrases: tuple[Annotated[str, Field(max_length=300)], ...]
    """What is looked for: ``a|b`` is either word, ``{list}`` any of a list, ``...`` up to six words of the same sentence."""
    negations: tuple[Words, ...] = ()
    """Words that undo a phrase where they stand in it, or up to four words before it in the same clause."""
    not_followed_by: tuple[Words, ...] = ()
    """Words that undo a phrase where they follow it: ten minutes are no score."""

    @model_validator(mode="after")
    def _phrases_can_be_read(self) -> Self:
        for phrase in self.phrases:
            if not _PHRASE.match(phrase):
                raise ValueError(
                    f"phrase {phrase!r}: write lower-case words, a|b, {{list}} and ..., which is not the first, with single spaces between"
                )
            if unknown := [name for name in _LIST.findall(phrase) if name not in self.lists]:
                raise ValueError(f"phrase {phrase!r} names the list {unknown[0]!r}; give it under lists")
        return self


@cache
def default_lexicons() -> Mapping[str, Lexicon]:
    """By ISO 639 code of the language: English, Spanish, Portuguese, German and French."""
    text = files(__package__).joinpath("lexicon.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[Language, Lexicon]).validate_python(yaml.safe_load(text))
