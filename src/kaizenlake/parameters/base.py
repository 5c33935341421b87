"""What groups of parameters are declared with: kinds of numbers, and checks that several of them share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3660)]
AtLeastOne = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, lt=1e15)]
Dollars = Annotated[float, Field(ge=0, le=1e9)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class ParameterGroup(BaseModel):
    """A group of figures: frozen, and refusing names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
