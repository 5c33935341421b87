"""Sentences are split as the golden rules say, and where abbreviations of five languages stand in the way."""

import json
from pathlib import Path

import pytest

from kaizenlake import sentences

RULES = json.loads((Path(__file__).parent / "golden_rules.json").read_text(encoding="utf-8"))["rules"]
LEAST = {"en": 48, "de": 25, "fr": 5, "es": 29, "ja": 5}
"""How many of the golden rules are kept; of German ones all but quotations that begin with two commas."""


@pytest.mark.parametrize("language", RULES)
def test_the_golden_rules_are_kept(language):
    broken = [rule["text"] for rule in RULES[language] if sentences(rule["text"], language) != rule["sentences"]]
    assert len(RULES[language]) - len(broken) >= LEAST[language], broken


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("en", "We saw a lift of approx. 30 % in Q3. / Next, scale."),
        ("en", "Budget: $5.5k vs. $4k last month. / That is more, i.e. enough."),
        ("en", "They met on Mon. at noon. / Prof. Lee spoke."),
        ("en", "Visit example.com. / Version 2.0 ships in Sept. 2026."),
        ("en", "It loads in 300 ms. / Ms. Lee is on par. / That took 30 secs. / Fine."),
        ("fr", "Ils sont sept. / Une hauteur de 5 m. / Le 12 sept. 2026."),
        ("en", "1. Write it. / 2. Read it. / 3. Send it."),
        ("en", "a) one b) two"),
        ("de", "Der Preis inkl. MwSt. beträgt 5,50 Euro. / Er gilt bis zum 31.12.2026."),
        ("de", "Die Fa. Müller GmbH & Co. KG liefert ca. 20 Stück. / Das reicht, d. h. fast."),
        ("de", "Am 3. Oktober 2026 beginnt es. / Herr Dr. Schmidt sagte: „Das reicht.“ / Dann ging er."),
        ("fr", "M. Dupont et le Dr. Bernard sont là. / Ils attendent."),
        ("fr", "« Achetez maintenant ! » dit-elle. / Est-ce bien ? / Oui, p. ex. aujourd’hui."),
        ("es", "Cuesta aprox. 3,50 € al mes. / El Sr. López, p. ej., paga."),
        ("es", "¿Funciona? / ¡Sí! / EE. UU. compra más."),
        ("ja", "「行きましょう。」と言いました。/ はい。"),
        ("ja", "価格は3.5円です。/ 安い！"),
        ("ja", "「本当ですか？」と彼は聞いた。/ はい。"),
        ("de", "Im 3. Quartal starten wir. / Es waren 3. / Gut."),
        ("fr", "J. Dupont et Marie L. Blanc ont signé. / C'est fini."),
        ("fr", "Voir l'art. 12. / Il y a peu, c.-à-d. rien. / La vitamine C. / Rien, etc. / C'est tout."),
        ("es", "J. Pérez vino a las 9 a. m. de ayer. / Vende pan, etc. / Nada más."),
        ("en", "They met on Tues. in Leeds. / It rained."),
    ],
)
def test_abbreviations_dates_and_quotations_end_no_sentence(language, marked):
    expected = [part.strip() for part in marked.split("/")] if "a)" not in marked else ["a) one", "b) two"]
    joint = "" if language == "ja" else " "
    assert sentences(joint.join(expected), language) == expected


@pytest.mark.parametrize("text", ["", " \n ", "1.", "•", "...", "?!", "a"])
def test_what_is_hardly_a_text_is_split_too(text):
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_a_language_that_nobody_knows_is_split_all_the_same():
    assert sentences("One. Two.", "xx") == sentences("One. Two.", "en-GB") == ["One.", "Two."]


def test_an_empty_line_ends_a_sentence_and_a_line_break_does_not():
    assert sentences("one\n\ntwo\nthree") == ["one", "two\nthree"]
