"""Sections as agencies write them, drawn from blocks written by hand: each keeps its benchmark, in one of many ways of Markdown."""

import json
from importlib import resources
from random import Random

SENTENCES = (
    "We meet buyers where they already are, with one promise and one proof in every post.",
    "The offer is simple: try it for 14 days, keep what works, and pay for nothing else.",
    "Last quarter the brand reached 48,000 people, of whom 3.2% visited the site and 410 bought.",
    "Dr. Meyer, who runs the clinic, says that patients ask for dates, prices and honest answers.",
    "Each channel has one job, e.g. reels for reach, e-mail for trust, and search for the last click.",
    "What do people fear most before they buy? They fear that nobody will answer when it breaks.",
    "“I would buy it again,” said one of the 52 customers whom we asked in March.",
    "Spend moves from broad audiences to people who watched at least half of a video.",
    "The landing page loads in 1.8 s on a phone; that is fast enough for paid traffic in the U.S. and Europe.",
    "Nothing is published before a person has read it, approved it and set the date.",
    "Prices start at $49.00 a month, and a yearly plan saves two months of fees.",
    "Our rivals talk about features, so we talk about the hours that a team gets back.",
    "If a post passes 5% engagement within two days, it is promoted with a small budget.",
    "Reports go out on Monday at 9 a.m. and name the three posts that did best.",
)
BULLETS = (
    "Short videos with one idea and a clear last frame",
    "Weekly letter to leads who downloaded the guide",
    "**Proof first**: a figure, its source and the date",
    "Stories that answer one question a day",
    "Partner posts with shops in the same street",
    "Retarget visitors of the price page within 7 days. Stop after 3 views.",
    "Reply to every comment before noon",
    "A/B test of the first line, then of the picture",
    "Send the second message only to those who opened the first",
    "Offer a call instead of a discount",
    "Use `UTM` tags on each [link](https://example.com/a-long-address?with=words) so that sales can be counted",
    "Invite customers to show how they use it! Ask for consent first.",
)
CELLS = (
    "Reels",
    "Newsletter",
    "Paid search",
    "Weekly",
    "Open rate above 25%",
    "Ana",
    "Ends 30 June",
    "Test the first line",
)
STAGES = ("Awareness", "Consideration", "Conversion", "Retention")


def benchmark(pack, section):
    folder = resources.files("kaizenlake.readiness") / "benchmarks"
    return json.loads((folder / f"section_benchmarks.{pack}.json").read_text(encoding="utf-8"))["sections"][section]


def words_of(text):
    """Words of a block as its writer counts them: an address is none, nor is code."""
    for gone in ("(https://example.com/a-long-address?with=words)", "`UTM`"):
        text = text.replace(gone, "")
    return sum(any(letter.isalnum() for letter in word) for word in text.split())


class Writer:
    """Writes one section and counts its words as it goes."""

    def __init__(self, random: Random) -> None:
        self.random, self.parts, self.words = random, [], 0
        self.mark = random.choice("-*+")

    def add(self, text, words):
        self.parts.append(text)
        self.words += words

    def heading(self, text):
        r = self.random
        words = words_of(text)
        shown = r.choice((text, text.upper(), text.lower(), f"**{text}**", f"*{text}*:", f"{text}:", f"`_` {text}"))
        number = r.choice(("", "", "2. ", "3) ", "1.2 ", "🎯 "))
        words += any(digit.isdigit() for digit in number)
        if r.random() < 0.3 and not number.endswith((". ", ") ")):
            self.add(f"{number}{shown}\n{r.choice('-=') * 5}", words)
        else:
            self.add(f"{'#' * r.randint(1, 6)} {number}{shown}{r.choice(('', ' ##'))}", words)

    def paragraph(self, most=10_000):
        chosen = self.random.choices(SENTENCES, k=self.random.randint(1, 3))
        chosen = chosen if words_of(" ".join(chosen)) <= most else []
        if chosen:
            joint = self.random.choice((" ", "\n", "  \n"))
            self.add(joint.join(chosen), words_of(" ".join(chosen)))
        return bool(chosen)

    def bullets(self, count):
        lines, depth, words = [], 0, 0
        for number in range(count):
            depth = self.random.randint(0, min(depth + 1, 2)) if number else 0
            text = self.random.choice(BULLETS)
            words += words_of(text)
            box = self.random.choice(("", "", "", "**Note** "))
            words += words_of(box)
            lines.append(f"{'  ' * depth}{self.mark} {box}{text}")
        self.add("\n".join(lines), words)

    def numbered(self):
        items = self.random.sample(BULLETS, 3)
        self.add("\n".join(f"{n}. {item}" for n, item in enumerate(items, 1)), sum(map(words_of, items)))

    def table(self, rows, columns=3, first=()):
        r = self.random
        cells = [["Step", "What", "When"][:columns]] + [
            [*first[n : n + 1], *r.choices(CELLS, k=columns)][:columns] for n in range(rows)
        ]
        edge = r.choice(("|", ""))
        lines = [f"{edge} {' | '.join(row)} {edge}".strip() for row in cells]
        lines.insert(1, f"{edge}{'|'.join([r.choice((':--', '---', '--:'))] * columns)}{edge}")
        self.add("\n".join(lines), sum(words_of(cell) for row in cells for cell in row))

    def aside(self):
        """What counts for nothing: code, HTML, a rule, a picture."""
        self.add(
            self.random.choice(
                (
                    "```python\nprint('not a word')\n- no bullet\n```",
                    "<div>\nno words here\n</div>",
                    "***",
                    "![a picture](https://example.com/picture.png)",
                    "<!-- a note -->",
                )
            ),
            0,
        )

    def fill(self, low, high):
        """Write on until there are enough words: often exactly as few as may be, or as many."""
        goal = self.random.choice(
            (low, low, high if high <= low + 400 else low + 200, self.random.randint(low, low + 60))
        )
        while self.words + 20 < goal and self.paragraph(goal - self.words):
            pass
        while (rest := goal - self.words) > 0:
            chosen = self.random.choice(SENTENCES[:3]).rstrip(".").split()[:rest]
            self.add(" ".join(chosen) + ".", words_of(" ".join(chosen)))


def write_section(pack, section, seed):
    """Return a section that keeps its benchmark."""
    rule, random = benchmark(pack, section), Random(f"{pack} {section} {seed}")
    writer = Writer(random)
    if random.random() < 0.5:
        writer.heading(section.replace("_", " ").title())
    for heading in rule["required_headings"]:
        writer.heading(heading)
        if random.random() < 0.4 and rule["max_words"] > 400:
            writer.paragraph()
    if rule["format"] == "markdown_table":
        least = rule.get("min_table_rows") or 0
        first = tuple(random.choice((stage, f"**{stage}**", stage.upper())) for stage in STAGES)
        writer.table(max(least, 4 if rule["required_terms"] else random.randint(1, 5)), first=first)
    elif rule["required_terms"]:
        terms = [random.choice((term, term.title(), f"**{term}**")) for term in rule["required_terms"]]
        writer.add(f"This part holds: {', '.join(terms)}.", 3 + words_of(" ".join(terms)))
    if rule["min_bullets"]:
        writer.bullets(rule["min_bullets"] + random.choice((0, 0, 2)))
    if rule["max_words"] > 400:
        for extra in (writer.numbered, writer.aside, lambda: writer.table(2)):
            if random.random() < 0.3:
                extra()
    writer.fill(rule["min_words"], rule["max_words"])
    return "\n\n".join(writer.parts) + "\n", writer
