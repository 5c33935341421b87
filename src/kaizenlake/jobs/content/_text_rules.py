"""What a text is made of: one rule for each of its features.

Rules are regular expressions of the linear-time kind. Most read English, some other languages too, and a few any language:
each says which, and what no rule reads is unknown, never false. They see a text as `as_plain` leaves it. Each rule carries
examples that hold and that do not; they are tested.
"""

from __future__ import annotations

from kaizenlake.jobs.content._text_rule import TextRule, Variant

_DIGIT = r"(?:^|[^\p{L}\p{N}_@])\d"

NUMERAL = r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|dozen|hundred|thousand"

_SUPERLATIVE_STEMS = (
    "bigg|bold|brav|bright|broad|cheap|clean|clear|clos|cold|cool|cut|dark|deep|dens|dri|dumb|fair|fast|fatt|few|fin|fitt|"
    "fresh|full|grand|great|green|gross|hard|harsh|hott|high|kind|larg|lat|light|long|loud|low|madd|mean|near|new|nic|old|"
    "odd|poor|proud|pur|quick|quiet|rar|rich|rough|rud|sadd|saf|sharp|short|shy|sick|simpl|slow|small|smart|smooth|soft|"
    "soon|steep|strang|strong|sweet|swift|tall|thick|thinn|tight|tough|tru|vast|warm|weak|weird|wid|wild|wis|wrong|young"
)

CURIOSITY = (
    r"^(?:this|these|he|she|they|his|her|their)\b|\b(?:secrets?|mystery|mysterious|surprising|surprised?|shocking|unexpected)\b"
    r"|\bwhat happen(?:s|ed)\b|\bturns out\b|\bfind out\b|\bguess (?:who|what|why|how|where)\b|\bwait (?:till|until|for it)\b"
    r"|\b(?:won't|will not|wouldn't|can't|cannot|never) (?:believe|guess|expect|imagine)\b|\b(?:the|one|real) reasons?\b"
    r"|\b(?:here's|here is|this is|that's|that is) (?:what|why|how|exactly)\b|\bwhat (?:he|she|they|it|we|i) \w+"
    r"|\bsomething\b|\buntil (?:he|she|they|you|it|i|we)\b|\.\.\.[\"')]*$"
)

NEGATION = (
    r"\b(?:no|not|never|nobody|nothing|none|nowhere|neither|nor|cannot|without)\b|[a-z]n't\b"
    r"|\b(?:dont|cant|doesnt|didnt|isnt|arent|wasnt|shouldnt)\b"
)

TEXT_RULES: tuple[TextRule, ...] = (
    TextRule(
        "number",
        "It holds a number, in digits or in words from two up.",
        rf"{_DIGIT}|\b(?:{NUMERAL}|[mb]illions?)\b",
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
        NEGATION,
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
        CURIOSITY,
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
