"""What a text is made of: one table of rules for its features, one for its hook.

Rules are regular expressions of the linear-time kind. Most read English, some other languages too, and a few any language:
each says which, and what no rule reads is unknown, never false. They see a text as `as_plain` leaves it: typographic
quotes straightened, the commonest character references of markup read as the characters they stand for, web addresses and
invisible characters taken out, blanks collapsed. Each rule carries examples that hold and that do not; they are tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

ENGLISH = "en"

LANGUAGES = (ENGLISH, "de", "fr", "es")
"""Languages that rules read."""


@dataclass(frozen=True)
class Variant:
    """A rule in another language than English.

    Args:
        pattern: The text has the property where this matches; applied to the plain text in lower case.
        holds: Texts that have it.
        fails: Texts that do not.
        is_cased: The case of the letters matters.
    """

    pattern: str
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    is_cased: bool = False


@dataclass(frozen=True)
class TextRule:
    """A property that a text has or has not.

    Args:
        name: Name of the feature, or of the hook.
        meaning: What it says of a text, in one sentence.
        pattern: The text has the property where this matches; applied to the plain text in lower case.
        holds: Texts that have it.
        fails: Texts that do not, the near misses first of all.
        ignoring: Phrases that are cut out beforehand, since they only look like it.
        is_cased: The case of the letters matters, so the pattern is applied to the text as it was written.
        is_universal: The pattern reads every language, English not more than others.
        anywhere: A pattern that shows the property in any language; that it does not match says nothing.
        others: The rule in other languages, by their code.
        needs_language: The pattern may match texts of other languages by chance, so it reads none of unknown language.
    """

    name: str
    meaning: str
    pattern: str
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    ignoring: str | None = None
    is_cased: bool = False
    is_universal: bool = False
    anywhere: str | None = None
    others: Mapping[str, Variant] = field(default_factory=dict)
    needs_language: bool = False

    def of(self, plain: pl.Expr, lower: pl.Expr, language: str | None = ENGLISH) -> pl.Expr:
        """Return whether the property holds; null without a text, and in a language that the rule does not read.

        Args:
            plain: The text as `as_plain` gives it.
            lower: The same in lower case.
            language: Its language; None for one that is not known, or that no rule reads.
        """
        if self.is_universal or language == ENGLISH:
            return self._in_english(plain, lower)
        variant = None if language is None else self.others.get(language)
        if variant is not None:
            return (plain if variant.is_cased else lower).str.contains(variant.pattern)
        if self.anywhere is not None:
            return pl.when(lower.str.contains(self.anywhere)).then(True)
        return pl.lit(None, dtype=pl.Boolean)

    def seems(self, plain: pl.Expr, lower: pl.Expr) -> pl.Expr:
        """Return whether the property shows in a text of unknown language, by words of English; never false for the lack of them."""
        if self.needs_language:
            return pl.lit(None, dtype=pl.Boolean)
        return self._in_english(plain, lower)

    def _in_english(self, plain: pl.Expr, lower: pl.Expr) -> pl.Expr:
        text = plain if self.is_cased else lower
        if self.ignoring is not None:
            text = text.str.replace_all(self.ignoring, " ")
        return text.str.contains(self.pattern)


_STRAIGHT = {
    **dict.fromkeys("‘’‛′`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys(("&#39;", "&#x27;", "&#8217;", "&#8216;", "&apos;", "&rsquo;", "&lsquo;"), "'"),
    **dict.fromkeys(("&quot;", "&#34;", "&ldquo;", "&rdquo;", "&#8220;", "&#8221;"), '"'),
    **dict.fromkeys(("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f"), ""),
    "&nbsp;": " ",
    "&#160;": " ",
    "&amp;": "&",
    "&hellip;": "...",
    "…": "...",
    "？": "?",
    "؟": "?",
    "！": "!",
}
_ADDRESS = r"(?i)\b(?:https?://|www\.)\S+"


def as_plain(text: pl.Expr) -> pl.Expr:
    """Return a text as the rules read it; null where nothing is left of it but blanks."""
    straight = text.str.replace_many(list(_STRAIGHT), list(_STRAIGHT.values())).str.replace_all(_ADDRESS, " ")
    collapsed = straight.str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(collapsed != "").then(collapsed)


WORD = r"\S*[\p{L}\p{N}]\S*"
"""A word is what stands between blanks and holds a letter or a digit."""


def split_words(plain: pl.Expr) -> pl.Expr:
    """Return the number of words of a plain text; a text of symbols alone counts as one."""
    return plain.str.count_matches(WORD).cast(pl.Int64).clip(lower_bound=1)


_DIGIT = r"(?:^|[^\p{L}\p{N}_@])\d"

_NUMERAL = r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|dozen|hundred|thousand"

_SUPERLATIVE_STEMS = (
    "bigg|bold|brav|bright|broad|cheap|clean|clear|clos|cold|cool|cut|dark|deep|dens|dri|dumb|fair|fast|fatt|few|fin|fitt|"
    "fresh|full|grand|great|green|gross|hard|harsh|hott|high|kind|larg|lat|light|long|loud|low|madd|mean|near|new|nic|old|"
    "odd|poor|proud|pur|quick|quiet|rar|rich|rough|rud|sadd|saf|sharp|short|shy|sick|simpl|slow|small|smart|smooth|soft|"
    "soon|steep|strang|strong|sweet|swift|tall|thick|thinn|tight|tough|tru|vast|warm|weak|weird|wid|wild|wis|wrong|young"
)

_CURIOSITY = (
    r"^(?:this|these|he|she|they|his|her|their)\b|\b(?:secrets?|mystery|mysterious|surprising|surprised?|shocking|unexpected)\b"
    r"|\bwhat happen(?:s|ed)\b|\bturns out\b|\bfind out\b|\bguess (?:who|what|why|how|where)\b|\bwait (?:till|until|for it)\b"
    r"|\b(?:won't|will not|wouldn't|can't|cannot|never) (?:believe|guess|expect|imagine)\b|\b(?:the|one|real) reasons?\b"
    r"|\b(?:here's|here is|this is|that's|that is) (?:what|why|how|exactly)\b|\bwhat (?:he|she|they|it|we|i) \w+"
    r"|\bsomething\b|\buntil (?:he|she|they|you|it|i|we)\b|\.\.\.[\"')]*$"
)

_NEGATION = (
    r"\b(?:no|not|never|nobody|nothing|none|nowhere|neither|nor|cannot|without)\b|[a-z]n't\b"
    r"|\b(?:dont|cant|doesnt|didnt|isnt|arent|wasnt|shouldnt)\b"
)

TEXT_RULES: tuple[TextRule, ...] = (
    TextRule(
        "number",
        "It holds a number, in digits or in words from two up.",
        rf"{_DIGIT}|\b(?:{_NUMERAL}|[mb]illions?)\b",
        holds=(
            "7 Wonderful People",
            "Only $9.99",
            "The top-10 list",
            "Two guys explain",
            "Over a million views",
            "#1 tip",
        ),
        fails=(
            "One of the best",
            "Follow @user123",
            "Our B2B guide",
            "See https://a.example/p?id=42",
            "Here&#39;s why",
        ),
        anywhere=_DIGIT,
        others={
            "de": Variant(
                _DIGIT
                + r"|\b(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|zwanzig|dutzend|hundert|tausend|million(?:en)?|milliarden?)\b",
                holds=("Zwei gute Gründe", "7 Tage Urlaub"),
                fails=("Einer der Besten", "Drehmoment"),
            ),
            "fr": Variant(
                _DIGIT
                + r"|\b(?:deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|vingt|cent|mille|millions?|milliards?)\b",
                holds=("Deux bonnes raisons", "7 jours de soldes"),
                fails=("Une des meilleures", "La centrale"),
            ),
            "es": Variant(
                _DIGIT
                + r"|\b(?:dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|veinte|cien|mil|millones)\b",
                holds=("Dos buenas razones", "7 días de oferta"),
                fails=("Una de las mejores", "La docencia"),
            ),
        },
    ),
    TextRule(
        "question",
        "It asks, by a question mark.",
        r"\?",
        holds=("Why are we here?", "Really?! Yes.", "お元気ですか？", "هل أنت بخير؟"),
        fails=("How to ask better", "See https://a.example/p?id=42", ""),
        is_universal=True,
    ),
    TextRule(
        "exclamation",
        "It exclaims, by an exclamation mark.",
        r"!",
        holds=("Oh Snap!", "すごい！", "What?!"),
        fails=("Oh snap.", "Calm down"),
        is_universal=True,
    ),
    TextRule(
        "quotation",
        "It quotes: at least one word stands between quotation marks.",
        r"""(?:^|[\s(\[:-])'[\p{L}\p{N}][^']*(?:'[\p{L}][^']*)*'(?:$|[\s.,!?;:)\]-])|"[^"]*[\p{L}\p{N}][^"]*\"""",
        holds=(
            "Finish: “Mentally ill people are…”",
            'He said "no"',
            "The song ‘Happy’ is on",
            "Know that song, 'Home?' Yes.",
        ),
        fails=("It’s what we don’t know", "The kids' room and the dogs' bed", 'A 7" single', "''"),
        is_universal=True,
    ),
    TextRule(
        "second_person",
        "It speaks to the reader.",
        r"\b(?:you|yours?|yoursel(?:f|ves)|y'all)\b",
        holds=("You won’t believe it", "Your turn", "All yours", "YOU"),
        fails=("The young ones", "Youth matters", "A bayou at night"),
        others={
            "de": Variant(
                r"\b(?i:du|dich|dir|dein(?:e[mnrs]?)?|euch|euer|eure[mnrs]?)\b|[\p{Ll}\d,:] (?:Sie|Ihnen|Ihre?[mnrs]?)\b",
                holds=("Was du wissen musst", "DEINE neue Jacke", "Haben Sie Fragen?", "Danke für euer Vertrauen"),
                fails=("Sie lacht", "Die Dirigentin", "Industrie heute"),
                is_cased=True,
            ),
            "fr": Variant(
                r"\b(?:tu|toi|ton|tes|vous|votre|vos|vôtres?)\b|\bt'[aeiouyéêh]",
                holds=("Tu ne devineras jamais", "Merci pour votre confiance"),
                fails=("La statue du roi", "Le tondeur"),
            ),
            "es": Variant(
                r"\b(?:tú|tu|tus|te|ti|contigo|ustedes|usted|vosotr[oa]s|vuestr[oa]s?)\b",
                holds=("Tu piel merece lo mejor", "Nadie te lo dijo"),
                fails=("La tutoría", "El texto nuevo"),
            ),
        },
    ),
    TextRule(
        "first_person",
        "It speaks of its author, alone or among others.",
        r"\b(?:[Ii]|(?i:me|my|mine|myself|we|our|ours|ourselves)|[Uu]s)\b",
        holds=("I never thought so", "What we do", "Tell us more", "My first day", "I’m in"),
        fails=("The US wants you", "Made in the U.S.", "World War I began", "It is theirs"),
        ignoring=r"(?i:world war|part|chapter|phase|type|type-|stage) I\b",
        is_cased=True,
        others={
            "de": Variant(
                r"\b(?:ich|mich|mir|mein(?:e[mnrs]?)?|wir|uns|unser(?:e[mnrs]?)?)\b",
                holds=("Wir suchen dich", "Unser Team", "Ich auch"),
                fails=("Die Michaelskirche", "Wirtschaft heute"),
            ),
            "fr": Variant(
                r"\b(?:je|moi|mon|ma|mes|nous|notre|nos)\b|\bj'",
                holds=("J'adore ce café", "Notre équipe"),
                fails=("Le monde", "La marée"),
            ),
            "es": Variant(
                r"\b(?:yo|mí|mi|mis|conmigo|nosotr[oa]s|nos|nuestr[oa]s?)\b",
                holds=("Nuestra nueva colección", "Yo también"),
                fails=("El mito", "La noche"),
            ),
        },
    ),
    TextRule(
        "negation",
        "It negates.",
        _NEGATION,
        holds=("Don’t do it", "No big deal", "This is not a drill", "dont panic", "Nothing works", "You can&#39;t"),
        fails=("Know more", "A notable day", "Another one", "The northern lights"),
        others={
            "de": Variant(
                r"\b(?:nicht|nichts|nie|niemals|niemand(?:e[mn])?|kein(?:e[mnrs]?)?|ohne|weder|nirgends)\b",
                holds=("Das ist nicht neu", "Kein Problem", "Ohne Zucker"),
                fails=("Die Nichte", "Kleine Freuden"),
            ),
            "fr": Variant(
                r"\b(?:ne|pas|jamais|rien|aucune?|sans|ni)\b|\bn'",
                holds=("Tu n'y crois pas", "Sans sucre"),
                fails=("Le passage", "La nièce"),
            ),
            "es": Variant(
                r"\b(?:no|nunca|jamás|nada|nadie|ningún|ningun[oa]|sin|ni|tampoco)\b",
                holds=("Nunca es tarde", "Sin azúcar"),
                fails=("La noche", "El nado"),
            ),
        },
    ),
    TextRule(
        "superlative",
        "It uses a superlative.",
        rf"\b(?:best|worst|[a-z]{{3,}}iest|(?:{_SUPERLATIVE_STEMS})est)\b"
        r"|(?:\b(?:the|my|your|his|her|its|our|their)|'s) (?:\w+ )?(?:most|least)\b",
        holds=(
            "The best day",
            "Our biggest sale",
            "The funniest clip",
            "The World's Most Wanted",
            "The single most useful tip",
        ),
        fails=(
            "Most people agree",
            "A forest of interest",
            "My best friend",
            "At least try",
            "The priest is honest",
            "In the west",
        ),
        ignoring=r"\bbest (?:friends?|man|wishes|regards|seller|selling)\b|\bat (?:the (?:very )?)?(?:least|most|best)\b",
        others={
            "fr": Variant(
                r"\b(?:le|la|les) (?:plus|moins|meilleure?s?|pires?)\b",
                holds=("Le meilleur café", "La plus belle robe"),
                fails=("Un café de plus", "Mieux dormir"),
            ),
            "es": Variant(
                r"\b(?:el|la|los|las) (?:[\p{L}]+ )?(?:más|menos|mejor(?:es)?|peor(?:es)?)\b",
                holds=("El mejor café", "La tienda más bonita"),
                fails=("Un café más", "Dormir bien"),
            ),
        },
    ),
    TextRule(
        "curiosity",
        "It holds back what it is about: it points ahead, hints at a secret, or breaks off.",
        _CURIOSITY,
        holds=(
            "You Won’t Believe What Happens Next",
            "This Kid Just Died. What He Left Behind Is Wondtacular.",
            "The secret of good bread",
            "When frat bros gather, they end up…",
            "Here’s why it matters",
        ),
        fails=("Our opening hours this week", "New shoes in store", "Victoria's Secret opens a store"),
        ignoring=r"\bvictoria's secrets?\b",
    ),
    TextRule(
        "urgency",
        "It urges: there is little time, or little left.",
        r"\b(?:right now|hurry|urgent(?:ly)?|asap|immediately|limited[- ]time|last (?:chance|call|day|days|hours)|deadline)\b"
        r"|\bfinal (?:hours|days|call|chance)\b|\bbefore (?:it's|it is) too late\b|\bdon't (?:miss|wait)\b|\bact (?:now|fast)\b"
        r"|\b(?:ends?|closes?|expires?|only) (?:today|tonight|tomorrow|soon|this (?:week|weekend))\b"
        r"|\b(?:buy|order|shop|book|join|register|sign up|subscribe|start|apply|donate|vote|call|download|get it)(?: (?:yours|it))? (?:now|today)\b"
        r"|\bonly \d+ (?:\w+ )?(?:left|remain|remaining|spots?|seats?|places?)\b|\bwhile (?:stocks?|supplies) lasts?\b|^breaking(?:[:!]| news)",
        holds=(
            "Hurry, only 3 seats left",
            "Sale ends tonight",
            "Order now",
            "Don’t miss it",
            "BREAKING: it rains",
            "Last chance!",
        ),
        fails=(
            "Now she laughs",
            "What we did today",
            "The final game",
            "We love things in a hurry",
            "Breaking the mould",
        ),
        ignoring=r"\bin (?:a|no) hurry\b",
        others={
            "de": Variant(
                r"\b(?:nur (?:noch|heute|für kurze zeit)|letzte (?:chance|tage|stunden)|beeil(?:e|t|en)?|solange der vorrat reicht|(?:endet|schließt) (?:heute|morgen|bald))\b|\bjetzt (?:kaufen|bestellen|buchen|sichern|anmelden|zugreifen)\b",
                holds=("Nur noch drei Plätze", "Jetzt buchen", "Letzte Chance!"),
                fails=("Jetzt lacht sie", "Der letzte Akt"),
            ),
            "fr": Variant(
                r"\b(?:plus que (?:\d+|deux|trois|quelques)|derni(?:ère|er)s? (?:chance|heures?|jours?)|dépêche[zr]?|vite|(?:finit|se termine) (?:ce soir|demain|bientôt))\b|\b(?:achetez|commandez|réservez|inscrivez-vous) (?:maintenant|vite|aujourd'hui)\b",
                holds=("Plus que trois places", "Dernières heures !", "Réservez maintenant"),
                fails=("Le dernier métro", "Maintenant elle rit"),
            ),
            "es": Variant(
                r"\b(?:solo quedan?|últim[oa]s? (?:oportunidad|horas?|días?|plazas?)|date prisa|(?:termina|acaba) (?:hoy|mañana|pronto))\b|\b(?:compra|reserva|pide|inscríbete) (?:ya|ahora|hoy)\b",
                holds=("Solo quedan tres plazas", "Últimas horas", "Reserva ahora"),
                fails=("La última cena", "Ahora ella ríe"),
            ),
        },
    ),
)
"""Features that are true or false of a text, by the name of their column."""

_FEMALE_OR_MALE = "man|woman|guy|girl|boy|kid|child|teen|teenager|mom|mum|mother|dad|father|couple|teacher|student|veteran|doctor|nurse"

_LISTED = (
    "things|ways|reasons|tips|tricks|signs|facts|lies|steps|ideas|lessons|rules|mistakes|examples|questions|answers|photos|"
    "pictures|photographs|pics|charts|maps|images|videos|clips|quotes|secrets|habits|tools|books|myths|trends|moments|"
    "products|recipes|brands|apps|places|words|hacks|stories|beliefs|strategies|principles|benefits|gifts|looks"
)

_COMMANDS = (
    "watch|see|meet|look|listen|check out|read|try|stop|don't|do not|let's|let|think|remember|imagine|find|learn|discover|"
    "join|share|tell|ask|click|tap|buy|shop|order|save|sign up|download|follow|comment|tag|swipe|give|make|take|get|leave|"
    "be|go|come|vote|support|forget|hear|say|finish|keep|consider|subscribe|register|donate|grab|enjoy|celebrate|visit|add|"
    "choose|pick|send|wait|prepare|apply|move over|brace yourself|stay|treat|explore|plan|browse|bring|upgrade|"
    "help (?:us|me|him|her|them|the|a|your|someone|save|stop)|show (?:me|us|them|him|her|your|the)|"
    "book (?:your|a|an|now|the)|call (?:me|us|your|the|now)|use (?:the|a|this|your|code)|start (?:your|a|the|by|with)|"
    "turn (?:your|the|up|off|on)|put (?:your|the|a)"
)

_QUESTION_WORD = "why|how|what|who|where|which"

HOOK_RULES: tuple[TextRule, ...] = (
    TextRule(
        "question",
        "Its first sentence asks.",
        r"^[^.!?]*\?",
        holds=(
            "Why Are Florida Teens Being Tried As Adults?",
            "What’s the best way to win a marathon? Get a head start.",
            "Ready?",
        ),
        fails=("Cupcakes. Who doesn't like them?", "How to ask better questions"),
        is_universal=True,
    ),
    TextRule(
        "quote",
        "It opens with the words of somebody: three or more between quotation marks.",
        r"""^(?:"[^"\s]+(?: [^"\s]+){2,}\"|'[\p{L}\p{N}][^'\s]*(?:'[\p{L}][^'\s]*)?"""
        r"""(?: [^'\s]+(?:'[\p{L}][^'\s]*)?){2,}'(?:$|[\s.,!?;:)\]-]))""",
        holds=(
            "“I have a dream,” he said",
            "‘We’d Love To Hire More Women.’ Really",
            "'Get A Job!' And Other Things I Hear",
        ),
        fails=(
            "'Til death do us part",
            '"Finally," she says.',
            "‘The Simpsons’ Isn’t Fun",
            "The song ‘Happy’",
            "'90s music is back",
        ),
        is_universal=True,
    ),
    TextRule(
        "offer",
        "It offers something at a lower price or for nothing.",
        r"\d ?% off\b|\b(?:half price|discount|giveaway|coupon|promo code|on sale|for free|buy one|free (?:shipping|trial|download|"
        r"sample|gift|delivery|webinar|ebook|e-book|guide))\b|\bsave (?:up to )?[$€£]?\d",
        holds=("20% off everything", "Free shipping all week", "Giveaway time!", "Save $50 on your first order"),
        fails=("Free speech matters", "Save the whales", "90% of people agree"),
        others={
            "de": Variant(
                r"\brabatte?\b|\b(?:sonderangebot|gutschein(?:code)?|gratis|kostenlos(?:e[mnrs]?)?|geschenkt|ausverkauf|zum halben preis|gewinnspiel|versandkostenfrei)\b|\d ?% (?:günstiger|reduziert|sparen)|\bspare? (?:bis zu )?\d",
                holds=("20 % Rabatt auf alles", "Gratis Versand", "Spare 10 Euro"),
                fails=("Der Rabattler", "90 % der Leute", "Die Sparkasse"),
            ),
            "fr": Variant(
                r"\b(?:réductions?|remise|soldes|gratuit(?:e?s?|ement)|offert(?:e?s?)|code promo|moitié prix|bon d'achat)\b|-\d+ ?%",
                holds=("20 % de réduction", "Livraison gratuite", "-30 % ce week-end"),
                fails=("La solidarité", "90 % des gens"),
            ),
            "es": Variant(
                r"\b(?:descuentos?|rebajas?|gratis|gratuit[oa]s?|cupón|código promocional|mitad de precio|sorteo|ofertas?)\b|-\d+ ?%",
                holds=("20 % de descuento", "Envío gratis"),
                fails=("El cuento", "90 % de la gente"),
            ),
        },
    ),
    TextRule(
        "list",
        "It announces, or is, a list of things.",
        rf"^(?:(?:here are|here're|meet|see|the|these|those|top|just|only|our|my|your|watch) ){{0,4}}"
        rf"(?:[2-9]|\d{{2,3}}|{_NUMERAL})(?: [^\s.!?:]+){{0,3}} (?:{_LISTED})\b|^(?:the )?top \d|\b1[.)] .+ 2[.)] .+ 3[.)] ",
        holds=(
            "The 14 Stunning Photographs Of Couples In Love",
            "Here Are Just 3 Of The Smaller Lies",
            "7 Wonderful People Share Secrets",
            "Five ways to sleep better",
            "Top 10 of the year",
            "Today: 1. bread 2. butter 3. jam",
        ),
        fails=(
            "46 Senators Decided",
            "10 million people",
            "1 word that matters",
            "30 Seconds Of Silence",
            "A 9-Year-Old Made Up His Own Rules",
            "The people of 1959",
        ),
    ),
    TextRule(
        "how_to",
        "It shows how something is done.",
        r"(?:^|[.:!?] )(?:(?:here's|here is|this is|learn|see|find out|discover|exactly|on|and|a|the|simple|quick|easy|tutorial|lesson|guide) ){0,5}"
        r"how (?:to|you can|you could|we can)\b|\b(?:step[- ]by[- ]step|tutorial|beginner's guide|guide to|cheat sheet|diy)\b",
        holds=(
            "How To Keep Those Eyeballs Happy",
            "Here’s how to do it",
            "A Woefully Contradictory Guide To Dating",
            "A tutorial on how to talk",
        ),
        fails=("How One Iranian Woman Captured Humanity", "We Never Forget How To Ride A Bike"),
    ),
    TextRule(
        "command",
        "It opens by telling the reader what to do.",
        rf"^(?:(?:please|just|now|hey|ok|okay|so|then|go)[,:]? |(?:watch|look|listen): )?(?:(?:{_COMMANDS})\b|(?:it's )?time to\b)",
        holds=(
            "Watch Kevin Bacon",
            "Don’t ever ask",
            "Please don't go",
            "Let’s talk",
            "Time to move",
            "WATCH: A video",
            "Check out this",
        ),
        fails=("Seeing a chimpanzee mourn", "Book lovers unite", "The watch of the year", "Getting there"),
    ),
    TextRule(
        "statistic",
        "It gives a share, a ratio, a multiple or a sum of money.",
        r"\d ?%|\d ?(?:percent|per cent)\b|\b(?:\d+|one|two|three|nine) (?:in|out of|of) (?:every )?(?:\d+|two|three|four|five|ten)\b"
        r"|\d (?:times|thousand|million|billion|trillion)\b|\b\d+x\b|[$€£]\d|\b(?:half|most|majority|third|quarter) of (?:all|us|the|americans)\b",
        holds=("11% more likely", "I wish 1 in 3 women had", "A $23 wage", "3 times as many", "Half of all jobs"),
        fails=("The 1959 rules", "2 guys explain", "He is 9 years old"),
        needs_language=True,
    ),
    TextRule(
        "announcement",
        "It announces something new.",
        r"^(?:\W*)(?:introducing|announcing|new[:!]|(?:the )?all[- ]new|now available|just (?:launched|landed|arrived)|coming soon|"
        r"we(?:'re| are) (?:launching|excited|thrilled|proud|happy|hiring)|big news)\b|^breaking(?:[:!]| news)"
        r"|\b(?:has arrived|is finally here|now open|out now|launch(?:es|ing) (?:today|tomorrow|soon|next))\b",
        holds=("Introducing our spring line", "We’re excited to share", "🎉 Big news", "The new menu is finally here"),
        fails=("Newspapers are dying", "A new way to think", "Just in case", "Breaking the mould"),
    ),
    TextRule(
        "curiosity",
        "It holds back what it is about, or promises an answer without a question.",
        rf"^(?:{_QUESTION_WORD})\b|{_CURIOSITY}",
        holds=(
            "Why charts are so bad",
            "How One Woman Captured Humanity",
            "The secret of bread",
            "She did it again",
            "And then…",
        ),
        fails=("Our opening hours", "A video about bread"),
    ),
    TextRule(
        "address",
        "It opens by speaking to the reader, or to those it means.",
        r"^(?:(?:if|when|whether|because|so|think|say) )?you\b|^(?:your|dear|hey)\b|^(?:to|for) (?:anyone|everyone|everybody|all)\b",
        holds=("If You Were Him", "You might know his catchphrase", "Dear Parents", "For anyone who likes science"),
        fails=("If the map is red", "Young people", "For the first time"),
    ),
    TextRule(
        "story",
        "It opens with somebody to whom, or a time at which, something happened.",
        rf"^(?:i|we|my|when|once|after|one day|yesterday|last (?:night|week|month|year)|years ago|it was|imagine)\b"
        rf"|^(?:a|an|one|two|some|the)(?: [^\s.!?]+){{0,4}}? (?:{_FEMALE_OR_MALE})s?\b|\b\d{{1,2}}-year-old\b",
        holds=(
            "I never thought so",
            "When a simple idea works",
            "A Tattooed Veteran Helps",
            "A 14-year-old got in",
            "Two guys explain",
        ),
        fails=("The media and war", "Our menu", "A graph of sexism"),
    ),
    TextRule(
        "negative",
        "It denies, warns or complains.",
        rf"{_NEGATION}|\b(?:worst|wrong|bad|awful|terrible|horrible|fail(?:s|ed|ure)?|problem|mistakes?|warning|beware|hate|danger(?:ous)?)\b",
        holds=("The worst idea ever", "Nothing works", "Nobody won", "Warning: slippery"),
        fails=("A good day", "Our menu"),
    ),
)
"""Hooks in the order of precedence: the first rule that holds names the hook."""
