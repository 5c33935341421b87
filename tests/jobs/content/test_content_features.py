"""Hooks, lengths and features of texts: every example of every rule, and texts that are unlike the examples."""

import time
from pathlib import Path

import polars as pl
import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.content._hook_rules import HOOK_RULES
from kaizenlake.jobs.content._language_codes import _KNOWN, CODES, NOT_TOLD
from kaizenlake.jobs.content._text_rule import LANGUAGES, as_plain, split_words
from kaizenlake.jobs.content._text_rules import TEXT_RULES
from kaizenlake.jobs.content.content_features import content_features, length_band
from kaizenlake.tables import ContentFeatures, Performance
from kaizenlake.tables.content import LENGTH_BANDS, TEXT_FEATURES

HEADLINES = Path(__file__).parents[4] / "shared" / "data" / "upworthy_headline_tests.csv"
RULES = [*(("feature", rule) for rule in TEXT_RULES), *(("hook", rule) for rule in HOOK_RULES)]

POSTS = {
    "en": [
        "How to sleep better tonight",
        "Only 3 seats left, book now",
        "Our new menu is here",
        "20 % off everything today",
        "You won't believe what happens next",
        "Fresh bread every morning at our bakery",
        "7 reasons to stay in bed on Sunday",
        "Meet the team behind the counter",
        "The secret of a good coffee",
        "Why we changed our packaging",
        "Join us on Friday for free drinks",
        "This Kid Just Died. What He Left Behind Is Wondtacular.",
        "Never skip breakfast again",
        "New shoes in store",
        "We love our customers",
    ],
    "de": [
        "20 % Rabatt auf alles, nur heute",
        "Willst du mit uns feiern?",
        "Jetzt neu: unser Frühlingsmenü",
        "So schläfst du heute Nacht besser",
        "Nur noch drei Plätze frei",
        "Frisches Brot jeden Morgen",
        "Das Geheimnis eines guten Kaffees",
        "Warum wir unsere Verpackung geändert haben",
        "Wir suchen Verstärkung für unser Team",
        "Lernt unser Team kennen",
        "Heute im Angebot: Äpfel vom Bodensee",
        "Deine neue Lieblingsjacke ist da",
        "Vielen Dank für euer Vertrauen",
        "Neue Schuhe im Laden",
        "Was du über Hautpflege wissen musst",
    ],
    "fr": [
        "20 % de réduction sur tout le magasin",
        "Venez découvrir notre nouvelle collection",
        "Le secret d'un bon café",
        "Pourquoi nous avons changé d'emballage",
        "Du pain frais chaque matin",
        "Tu ne devineras jamais la suite",
        "Plus que trois places disponibles",
        "Rejoignez-nous vendredi soir",
        "Merci pour votre confiance",
        "Nouveau menu de printemps",
        "Comment mieux dormir cette nuit",
        "Votre peau mérite le meilleur",
        "Rencontrez notre équipe",
        "Soldes : dernières heures !",
        "Nous adorons nos clients",
    ],
    "es": [
        "20 % de descuento en toda la tienda",
        "Descubre nuestra nueva colección",
        "El secreto de un buen café",
        "Por qué cambiamos el envase",
        "Pan fresco cada mañana",
        "Nunca adivinarás lo que pasó",
        "Solo quedan tres plazas",
        "Únete a nosotros el viernes",
        "Gracias por tu confianza",
        "Nuevo menú de primavera",
        "Cómo dormir mejor esta noche",
        "Tu piel merece lo mejor",
        "Conoce a nuestro equipo",
        "Últimas horas de rebajas",
        "Nos encantan nuestros clientes",
    ],
    "it": [
        "Sconto del 20 % su tutto",
        "Scopri la nostra nuova collezione",
        "Il segreto di un buon caffè",
        "Pane fresco ogni mattina",
        "Come dormire meglio stanotte",
        "Restano solo tre posti",
        "Grazie per la vostra fiducia",
        "Conosci il nostro team",
        "Perché abbiamo cambiato confezione",
        "Nuovo menù di primavera",
    ],
    "nl": [
        "20 % korting op alles",
        "Ontdek onze nieuwe collectie",
        "Het geheim van goede koffie",
        "Elke ochtend vers brood",
        "Zo slaap je vannacht beter",
        "Nog maar drie plaatsen",
        "Bedankt voor jullie vertrouwen",
        "Maak kennis met ons team",
        "Nieuwe schoenen in de winkel",
        "Waarom we onze verpakking veranderden",
    ],
    "pt": [
        "20 % de desconto em toda a loja",
        "Descubra a nossa nova coleção",
        "O segredo de um bom café",
        "Pão fresco todas as manhãs",
        "Como dormir melhor esta noite",
        "Só restam três lugares",
        "Obrigado pela confiança",
        "Conheça a nossa equipa",
        "Porque mudámos a embalagem",
        "Novo menu de primavera",
    ],
    "pl": [
        "20 % zniżki na wszystko",
        "Odkryj naszą nową kolekcję",
        "Sekret dobrej kawy",
        "Świeży chleb każdego ranka",
        "Jak lepiej spać dziś w nocy",
    ],
}


def compute(rows):
    schema = {
        "event_type": "PERFORMANCE_RECORDED",
        "occurred_at": day(0.5),
        "event_date": day(0).date(),
        "content_id": "c",
        "platform": "x",
    }
    records = frame(
        Performance, [schema | {"event_id": f"e{i}", "content_id": f"c{i}"} | row for i, row in enumerate(rows)]
    )
    return tables.check(ContentFeatures, content_features(records, as_of=day(365)).collect()).sort("content_id")


def features(text, **row):
    return compute([{"text": text} | row]).row(0, named=True)


def test_the_rules_are_the_features_of_the_table():
    assert tuple(rule.name for rule in TEXT_RULES) == TEXT_FEATURES
    assert len({rule.name for rule in HOOK_RULES}) == len(HOOK_RULES)


@pytest.mark.parametrize("rule", [rule for _, rule in RULES], ids=[f"{kind}-{rule.name}" for kind, rule in RULES])
def test_the_examples_of_a_rule(rule):
    assert rule.meaning.endswith(".")
    assert len(rule.holds) >= 3
    assert len(rule.fails) >= 2
    texts = pl.DataFrame({"text": [*rule.holds, *rule.fails]}).with_columns(plain=as_plain(pl.col("text")))
    found = texts.select("text", holds=rule.of(pl.col("plain"), pl.col("plain").str.to_lowercase()).fill_null(False))
    expected = [(text, text in rule.holds) for text in texts["text"]]
    assert found.rows() == expected


FOREIGN = [(kind, rule, code, said) for kind, rule in RULES for code, said in rule.others.items()]


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [pytest.param(rule, code, said, id=f"{kind}-{rule.name}-{code}") for kind, rule, code, said in FOREIGN],
)
def test_the_foreign_examples_of_a_rule(rule, code, said):
    assert code in LANGUAGES
    assert len(said.holds) >= 2
    assert len(said.fails) >= 2
    texts = pl.DataFrame({"text": [*said.holds, *said.fails]}).with_columns(plain=as_plain(pl.col("text")))
    found = texts.select("text", holds=rule.of(pl.col("plain"), pl.col("plain").str.to_lowercase(), code))
    assert found.rows() == [(text, text in said.holds) for text in texts["text"]]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            "Was du über Hautpflege wissen musst",
            "de",
            {"second_person": True, "first_person": False, "superlative": None},
        ),
        ("20 % Rabatt auf alles, nur heute", "de", {"hook_type": "offer", "number": True, "urgency": True}),
        ("20 % Rabatt", None, {"hook_type": None, "number": True, "second_person": None, "question": False}),
        ("Wie schläfst du heute besser?", "de", {"hook_type": "question", "second_person": True, "curiosity": None}),
        ("Tu ne devineras jamais la suite", "fr", {"second_person": True, "negation": True, "number": False}),
        ("Nadie te lo dijo hasta hoy, solo quedan tres plazas", "es", {"second_person": True, "urgency": True}),
        ("Scopri la nostra nuova collezione", "it", {"first_person": None, "number": None, "exclamation": False}),
        ("Per te solo 3 posti in negozio", "it", {"second_person": None, "number": True, "hook_type": None}),
        ("Come dormire meglio stanotte?", "it", {"question": True, "hook_type": "question"}),
        ("The man in the shop is not here today", "en", {"negation": True, "second_person": False, "urgency": False}),
        ("WATCH THIS BEFORE YOU BUY A NEW CAR", "en", {"second_person": True, "hook_type": "command"}),
        ("Заходите к нам на этой неделе", "ru", {"second_person": None, "question": False}),
        ("Oh!", None, {"exclamation": True, "negation": None}),
        ("Photo", None, {"negation": None, "question": False, "hook_type": None}),
    ],
)
def test_a_rule_that_does_not_read_the_language_says_nothing(text, language, expected):
    row = features(text)
    assert (row["language"], {name: row[name] for name in expected}) == (language, expected)


@pytest.mark.parametrize(
    ("given", "expected", "source"),
    [
        *(
            (given, "de", "event")
            for given in ("de", "de-AT", "DE_ch", "deu", "ger", "German", " Deutsch ", "German (Austria)")
        ),
        *((given, "en", "event") for given in ("English", "eng", "ENG", "en_US", "english, UK", "anglais")),
        (" fr ", "fr", "event"),
        ("cmn-Hans", "zh", "event"),
        ("nb", "no", "event"),
        ("日本語", "ja", "event"),
        ("klingon", "en", "text_instead"),
        ("xq", "en", "text_instead"),
        ("und", "en", "text"),
        (None, "en", "text"),
    ],
)
def test_the_language_that_the_event_names_stands_where_it_is_known(given, expected, source):
    row = features("How to sleep better tonight", language=given)
    assert (row["language"], row["language_source"]) == (expected, source)
    assert row["second_person"] is (False if expected in LANGUAGES else None)
    assert row["hook_type"] == ("how_to" if expected == "en" else None)


def test_a_language_that_neither_event_nor_text_tells_is_null_and_says_so():
    assert [features(text, language="klingon")["language_source"] for text in ("Oh!", None)] == ["not_known"] * 2
    assert features("Oh!")["language_source"] is None


def test_every_code_and_name_is_of_one_language():
    entries = [entry.split(maxsplit=2) for entry in _KNOWN.replace("\n", ";").split(";") if entry.strip()]
    names = {
        (name.strip().lower(), code) for code, longer, more in entries for name in (code, longer, *more.split("|"))
    }
    assert len(entries) == len({code for code, _, _ in entries}) == 180
    assert len(names) == len(dict(names)) == len(CODES)
    assert all((len(code), len(longer)) == (2, 3) for code, longer, _ in entries)
    assert not set(CODES) & set(NOT_TOLD)


def test_one_text_under_two_languages_is_read_in_each():
    rows = [{"text": "Photo", "language": code} for code in ("en", "de", None)]
    assert compute(rows)["negation"].to_list() == [False, False, None]


def test_the_languages_of_posts_are_told_or_left_open_and_never_mistaken():
    known = [(code, text) for code, texts in POSTS.items() for text in texts]
    told = compute([{"text": text} for _, text in known])
    by_text = dict(told.select("text", "language").iter_rows())
    wrong = [(code, text, by_text[text]) for code, text in known if by_text[text] not in {code, None}]
    assert not wrong
    assert sum(by_text[text] == code for code, text in known) >= 0.95 * len(known)


@pytest.mark.parametrize(
    ("text", "hook"),
    [
        ("5 ways to sleep better?", "question"),  # the first rule that holds
        ("How to Sleep", "how_to"),
        ("5 ways to sleep", "list"),
        ("Watch how to sleep", "command"),
        ("20% off for 5 days", "offer"),
        ("Sleep well", None),
    ],
)
def test_the_first_rule_that_holds_names_the_hook(text, hook):
    row = features(text)
    assert (row["hook_type"], row["hook_source"]) == (hook, "text" if hook else None)


def test_the_hook_of_the_event_stands():
    row = features("Why now?", hook_type="teaser")
    assert (row["hook_type"], row["hook_source"], row["question"]) == ("teaser", "event", True)
    row = features(None, hook_type="teaser")
    assert (row["hook_type"], row["hook_source"], row["question"]) == ("teaser", "event", None)


@pytest.mark.parametrize("text", [None, "", "  \n\t ", "\u200b", "\u00a0", "https://a.example/?q=1"])
def test_without_a_text_nothing_is_known(text):
    row = features(text)
    assert {row[name] for name in (*TEXT_FEATURES, "length_words", "length_band", "hook_type", "hook_source")} == {None}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One two three", 3),
        ("Don’t stop — it’s state-of-the-art", 4),  # a dash is no word
        ("a\nb\tc  d", 4),
        ("🔥🔥", 1),
        ("🔥 Sale 🔥", 1),
        ("Привет, мир", 2),
        ("see https://a.example/x now", 2),
    ],
)
def test_words(text, count):
    assert pl.select(split_words(as_plain(pl.lit(text)))).item() == count
    assert features(text)["length_words"] == count


def test_length_bands_join_without_a_gap():
    lengths = pl.DataFrame({"n": [1, 5, 6, 10, 11, 15, 16, 25, 26, 50, 51, 4_000, None]}, schema={"n": pl.Int64})
    found = lengths.select(band=length_band(pl.col("n")))["band"].to_list()
    assert found == [band for band in LENGTH_BANDS for _ in "12"] + [None]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Don’t", "Don't"),
        ("Don&#39;t &amp; can&rsquo;t", "Don't & can't"),
        ("“Yes”", '"Yes"'),
        ("wait…", "wait..."),
        ("zero\u200bwidth", "zerowidth"),
        ("&lt;b&gt; <b>bold</b>", "&lt;b&gt; <b>bold</b>"),  # markup is text
    ],
)  # fmt: skip
def test_texts_are_read_as_people_see_them(written, plain):
    assert pl.select(as_plain(pl.lit(written))).item() == plain


def test_curly_and_straight_quotes_say_the_same():
    curly, straight = features("“You don’t know,” she said"), features('"You don\'t know," she said')
    assert {key: curly[key] for key in TEXT_FEATURES} == {key: straight[key] for key in TEXT_FEATURES}
    assert curly["negation"]
    assert curly["quotation"]


def test_a_long_hostile_text_is_read_in_linear_time():
    def seconds(length):
        texts = [
            unit * (length // len(unit)) for unit in ("'a ", '"', "1. ", "the most ", "how to ", "a" * 50 + "n't ")
        ]
        began = time.process_time()
        compute([{"text": text} for text in texts])
        return time.process_time() - began

    seconds(1_000)
    assert seconds(20_000) < 2.0


def test_the_text_is_that_of_the_latest_record_of_the_day():
    rows = [
        {"content_id": "c", "occurred_at": day(0.9), "text": "Why?"},
        {"content_id": "c", "occurred_at": day(0.1), "text": "No."},
    ]
    assert compute(rows).select("question", "exclamation").rows() == [(True, False)]


@pytest.mark.skipif(not HEADLINES.exists(), reason="needs the Upworthy headlines of ../shared/data")
def test_real_headlines_spread_over_the_hooks():
    texts = pl.read_csv(HEADLINES, columns=["headline"])["headline"].unique()
    found = compute([{"text": text} for text in texts])
    hooks = found["hook_type"].value_counts(normalize=True)
    shares = dict(hooks.iter_rows())
    assert shares[None] < 0.35, "a rule names the hook of two headlines in three"
    assert max(share for hook, share in shares.items() if hook) < 0.30, "no hook swallows the others"
    assert set(shares) - {None} == {rule.name for rule in HOOK_RULES}
    for name in TEXT_FEATURES:
        assert 0.002 < found[name].mean() < 0.5, name
