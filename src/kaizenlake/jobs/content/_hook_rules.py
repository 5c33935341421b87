"""How a text opens: one rule for each hook, the first that holds names it."""

from __future__ import annotations

from kaizenlake.jobs.content._text_rule import TextRule, Variant
from kaizenlake.jobs.content._text_rules import CURIOSITY, NEGATION, NUMERAL

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
        rf"(?:[2-9]|\d{{2,3}}|{NUMERAL})(?: [^\s.!?:]+){{0,3}} (?:{_LISTED})\b|^(?:the )?top \d|\b1[.)] .+ 2[.)] .+ 3[.)] ",
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
        rf"^(?:{_QUESTION_WORD})\b|{CURIOSITY}",
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
        rf"{NEGATION}|\b(?:worst|wrong|bad|awful|terrible|horrible|fail(?:s|ed|ure)?|problem|mistakes?|warning|beware|hate|danger(?:ous)?)\b",
        holds=("The worst idea ever", "Nothing works", "Nobody won", "Warning: slippery"),
        fails=("A good day", "Our menu"),
    ),
)
"""Hooks in the order of precedence: the first rule that holds names the hook."""
