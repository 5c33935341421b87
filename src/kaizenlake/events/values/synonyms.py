"""Names that exports give to what our fields hold: beside a field's own name, in small letters, words parted by one space.

Headers of the mappings that are shipped need not stand here: whoever looks for a field's names takes those too.
"""

from __future__ import annotations

import re

ALSO: dict[str, tuple[str, ...]] = {
    "content_id": (
        "post id", "ad id", "video id", "media id", "tweet id", "item id", "content", "creative id", "asset id", "pin id", "story id",
        "id", "beitrags id", "beitrag id", "anzeigen id", "permalink", "identifiant", "identificador", "update link", "update url", "post permalink", "post link", "post url", "url", "link", "page path", "page", "landing page",
        "ad name", "ad", "anzeige", "post", "beitrag", "video title", "video", "title", "headline", "campaign id", "campaign", "kampagne",
    ),
    "platform": ("network", "channel", "social network", "medium", "plattform", "netzwerk", "kanal", "plateforme", "plataforma"),
    "impressions": (
        "impr", "imp", "imps", "impression", "views", "view count", "video views", "plays", "times shown", "shown", "impressionen", "einblendungen", "aufrufe",
        "vues", "impresiones", "visualizaciones", "exposures", "pageviews", "page views",
    ),
    "reach": ("reached", "people reached", "accounts reached", "unique viewers", "unique impressions", "reichweite", "portee", "alcance"),
    "views": ("view count", "video views", "plays", "aufrufe", "vues", "visualizaciones"),
    "watch_time_seconds": ("watch time", "total watch time", "play time"),
    "followers_gained": ("follows", "new followers", "subscribers", "subscribers gained"),
    "video_length_seconds": ("video length", "video duration", "duration", "length"),
    "link": ("permalink", "url", "post link", "post url", "landing page", "page location", "link"),
    "campaign": ("campaign name", "kampagne", "campaign title"),
    "ad_set": ("ad set name", "ad group", "ad group name", "anzeigengruppe"),
    "ad": ("ad name", "anzeige", "anzeigenname"),
    "subject_line": ("subject", "betreff", "email subject", "objet"),
    "audience": ("list", "audience name", "segment", "liste"),
    "sent": ("total recipients", "recipients", "emails sent", "sends", "gesendet", "empfanger", "empfänger"),
    "delivered": ("successful deliveries", "deliveries", "zugestellt", "delivered count"),
    "opened": ("unique opens", "opened unique", "estimated opens", "geoffnet", "geöffnet", "openers"),
    "clicked": ("unique clicks", "clickers", "recipients who clicked", "geklickt"),
    "opens": ("total opens", "open count"),
    "unsubscribed": ("unsubscribes", "unsubscriptions", "abgemeldet", "abmeldungen"),
    "bounced": ("total bounces", "bounces", "hard bounces"),
    "complaints": ("abuse complaints", "spam complaints", "spam reports"),
    "sessions": ("visits", "sitzungen"),
    "engaged_sessions": ("engaged visits",),
    "visitors": ("users", "active users", "unique visitors", "total users", "nutzer"),
    "engaged_seconds": ("user engagement", "engagement time"),
    "clicks": ("link clicks", "click", "url clicks", "post clicks", "clicks all", "ctr clicks", "klicks", "linkklicks", "klicks auf links", "clics", "consumers"),
    "engagements": (
        "engagement", "interactions", "total interactions", "engaged users", "total engagements", "post engagements", "interaktionen",
        "interactions totales", "interacciones",
    ),
    "conversions": ("results", "purchases", "conv", "leads", "sign ups", "orders", "konversionen", "ergebnisse", "conversiones"),
    "likes": ("like", "reactions", "favorites", "favourites", "hearts", "like count", "gefallt mir", "gefällt mir", "likes count", "me gusta", "j aime"),
    "comments": ("comment", "replies", "comment count", "kommentare", "commentaires", "comentarios"),
    "shares": ("share", "reposts", "retweets", "share count", "geteilt", "shares count", "partages", "compartidos", "teilungen"),
    "saves": ("save", "saved", "bookmarks", "gespeichert", "enregistrements", "guardados"),
    "spend_usd": ("spend", "amount spent", "cost", "ad spend", "total spend", "ausgaben", "kosten", "ausgegebener betrag", "werbeausgaben", "gasto", "depense", "depenses", "dépenses"),
    "revenue_usd": ("revenue", "purchase value", "conversion value", "sales", "income", "umsatz", "erlos", "erlös", "ingresos", "estimated revenue"),
    "engagement_rate": ("engagement rate", "er", "interaktionsrate", "engagement"),
    "ctr": ("click through rate", "clickthrough rate", "link ctr", "klickrate"),
    "conversion_rate": ("conv rate", "cvr", "conversionrate", "konversionsrate"),
    "roas": ("return on ad spend", "purchase roas"),
    "content_type": ("post type", "media type", "media product type", "type", "format", "beitragstyp", "typ", "tipo"),
    "text": ("caption", "description", "message", "post text", "copy", "body", "beschreibung", "headline", "ad copy", "text", "title", "titel", "tweet text"),
    "language": ("lang", "locale", "sprache"),
    "hook_type": ("hook",),
    "pillar": ("content pillar", "topic", "theme"),
    "brand_id": ("brand", "marke"),
    "industry": ("sector", "branche", "vertical"),
    "client_type": ("customer type", "segment", "kundentyp"),
    "experiment_id": ("experiment", "test id", "ab test"),
    "variant_id": ("variant", "variation", "arm"),
    "is_paid": ("paid", "boosted", "promoted", "sponsored"),
    "external_id": ("platform id",),
    "run_id": ("trace id", "id", "session id", "run", "job id", "request id", "execution id"),
    "doer": ("agent", "agent name", "bot", "assistant", "workflow"),
    "model": ("model name", "llm", "model id", "engine"),
    "task_id": ("task", "problem id", "instance id", "question id", "case id", "test id"),
    "gates_passed": ("passed", "tests passed", "checks passed", "pass", "success", "correct", "resolved", "reward", "is correct"),
    "gates_total": ("tests", "checks", "total tests", "test cases", "checks total", "tests total"),
    "cost_usd": ("cost", "total cost", "price", "agent cost", "kosten", "spend"),
    "budget_usd": ("budget",),
    "latency_seconds": ("latency", "duration", "elapsed", "runtime", "time taken", "response time", "wall time", "dauer", "seconds"),
    "input_tokens": ("prompt tokens", "tokens in", "tokens input", "usage input tokens"),
    "output_tokens": ("completion tokens", "tokens out", "response tokens", "tokens output", "generated tokens"),
    "outcome": ("status", "result", "state", "ergebnis"),
    "failure_modes": ("error", "errors", "error type", "failure", "failure reason", "exception"),
    "seed": ("random seed",),
    "lead_id": ("record id", "deal id", "opportunity id", "lead", "contact id", "deal", "id", "customer id", "vorgang", "geschaft id", "deal name", "opportunity name"),
    "source": ("lead source", "original source", "original traffic source", "quelle", "utm source", "source channel", "herkunft", "deal source"),
    "deal_size": ("amount", "value", "deal value", "deal amount", "betrag", "summe", "wert", "total amount", "deal size"),
    "days_to_close": ("days to close", "sales cycle days", "age days"),
    "pack_sold": ("product", "package", "pack", "plan", "produkt"),
    "reason": ("lost reason", "closed lost reason", "loss reason", "reason lost", "verlustgrund", "grund"),
    "lost_to": ("competitor", "mitbewerber"),
    "channel": ("outreach channel", "medium", "kanal"),
    "template_id": ("template", "vorlage"),
    "message_id": ("message",),
    "sentiment": ("mood", "stimmung"),
    "qualification_score": ("lead score", "score"),
}  # fmt: skip
"""Other names of a field, the likeliest first; where a table has several of them, the earlier is meant."""

PROJECT = ("project", "project id", "campaign", "campaign name", "account", "account name", "account username", "client", "customer", "brand", "kampagne", "konto", "kunde")  # fmt: skip
"""Names of a column that tells the project."""

TENANT = ("tenant", "tenant id", "workspace", "workspace id", "organization", "organisation")

MEASURED = (
    "date", "day", "measured at", "measured on", "reporting date", "report date", "reporting starts", "tag", "datum", "fecha", "jour", "snapshot date",
)  # fmt: skip
"""Names of the column that tells when figures were measured."""

DAYS = ("day", "date", "tag", "datum", "jour", "fecha", "reporting starts")
"""Names of the column by which a report is split by day."""

TIMES: dict[str, tuple[str, ...]] = {
    "LEAD_CREATED": (
        "create date", "created", "created at", "created date", "creation date", "deal created", "lead created time", "add time", "erstellt am", "erstelldatum", "day",
    ),
    "DEAL_WON": ("close date", "closed date", "closed at", "won date", "won day", "won time", "won on", "deal closed on", "abschlussdatum", "gewonnen am"),
    "LEAD_LOST": ("close date", "closed date", "closed at", "lost date", "lost day", "lost time", "lost on", "deal closed on", "abschlussdatum", "verloren am"),
    "RUN_COMPLETED": ("ended at", "end time", "finished at", "completed at", "timestamp", "started at", "start time", "created at", "generated at", "date", "time"),
}  # fmt: skip
"""Names of the column that tells when an event of a type happened; of records of figures `MEASURED`, of other types any of `ANY_TIME`."""

ANY_TIME = (
    "occurred at", "timestamp", "ts", "datetime", "date", "time", "created at", "created", "sent at", "send date", "send time", "day", "datum", "zeitpunkt", "event time",
)  # fmt: skip

PUBLISHED = (
    "publish time", "published at", "published", "publish date", "published date", "post date", "posted", "posted at", "posted on", "created time", "created date",
    "created at", "created", "creation date", "video publish time", "post time", "veroffentlicht", "veröffentlicht am", "erstellt am", "upload date",
)  # fmt: skip
"""Names of the column that tells when a content was published."""

PARTS = (
    "age", "gender", "placement", "device", "country", "region", "platform position", "publisher platform", "impression device", "alter", "geschlecht",
    "platzierung", "land", "gerat", "gerät", "sexe", "edad", "surface", "traffic source",
)  # fmt: skip
"""Names of columns that break a content down into rows whose figures add up."""

STAGES = (
    "stage",
    "deal stage",
    "status",
    "deal status",
    "pipeline stage",
    "opportunity stage",
    "phase",
    "lead status",
    "stage name",
)
"""Names of the column that tells how far a lead has come."""

ENDED: dict[str, tuple[str, ...]] = {
    "DEAL_WON": (
        "won",
        "closed won",
        "closedwon",
        "gewonnen",
        "abgeschlossen und gewonnen",
        "gagne",
        "ganado",
        "customer",
    ),
    "LEAD_LOST": (
        "lost",
        "closed lost",
        "closedlost",
        "verloren",
        "abgeschlossen und verloren",
        "perdu",
        "perdido",
        "disqualified",
    ),
}
"""What such a column says of a lead that was won, and of one that was lost."""

NOTHING = (
    "-",
    "--",
    "\u2013",
    "\u2014",
    "n/a",
    "N/A",
    "NA",
    "#N/A",
    "null",
    "NULL",
    "None",
    "none",
    "nan",
    "NaN",
    "(not set)",
    "(none)",
    "k. A.",
    "k.A.",
    "?",
    "#DIV/0!",
)
"""Cells that say nothing, as exports write them."""

_UNIT = re.compile(r"[(\[]([^()\[\]]*)[)\]]")


def plain_name(header: str) -> str:
    """Return the name of a column as names are written here, without what stands in brackets.

    >>> plain_name("Amount spent (USD)"), plain_name("postId"), plain_name("Impr.")
    ('amount spent', 'post id', 'impr')
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", _UNIT.sub(" ", header))
    return " ".join(re.sub(r"[\W_]+", " ", parted.lower()).split())


def unit_in(header: str) -> str:
    """Return what stands in the brackets of a header, or behind the last mark of its name.

    >>> unit_in("Duration (sec)"), unit_in("duration_ms"), unit_in("Likes")
    ('sec', 'ms', '')
    """
    inside = _UNIT.findall(header)
    words = plain_name(header).split()
    return (inside[-1] if inside else words[-1] if len(words) > 1 else "").strip().lower()
