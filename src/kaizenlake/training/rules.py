"""The rules that drop an example, in the order in which they are asked, with what each is for."""

from __future__ import annotations

from typing import Final

RULES_VERSION: Final = "1"
"""Version of these rules: it changes with what they drop."""

RULES: Final[dict[str, tuple[str, str]]] = {
    "invalid_value": ("E7101", "The mark lies from 0 to 100 and the confidence from 0 to 1; neither is NaN."),
    "incomplete": ("E7102", "The example has an input, an output, a mark and its confidence."),
    "low_quality": ("E7103", "The mark is at least the setting `curation.quality_score`."),
    "low_confidence": ("E7104", "The confidence is at least the setting `curation.confidence`."),
    "secret": ("E7105", "Neither input nor output holds a key, a token or a password."),
    "invisible": ("E7106", "The text holds no characters that nobody sees; those that join emoji or letters are none."),
    "bidirectional": ("E7107", "The text holds no characters that turn its direction."),
    "injection": ("E7108", "The text gives no orders to a language model."),
    "encoded": ("E7109", "The text holds no other text in code, such as base64."),
    "trigger": ("E7110", "The text holds no rare phrase that goes with one label far beyond chance."),
    "lineage": (
        "E7111",
        "The output is not of a model in the lineage to be trained, unless edited or verified by others.",
    ),
    "contaminated": ("E7112", "The text shares no 13 words in a row with a golden set, nor is it one of its texts."),
    "duplicate": ("E7113", "No other example that stays says the same."),
    "near_duplicate": ("E7114", "No other example that stays says nearly the same."),
    "synthetic_share": (
        "E7115",
        "Outputs of models are no larger a share than the setting `curation.synthetic_share`.",
    ),
}
"""Every rule: its code, and a sentence that is true of an example that it lets pass."""
