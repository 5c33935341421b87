"""One code for each language, however an application names it: codes of ISO 639-1, 639-2 and 639-3, and names."""

from __future__ import annotations

from typing import Final

import polars as pl

_KNOWN = """
aa aar Afar; ab abk Abkhazian; ae ave Avestan; af afr Afrikaans; ak aka Akan|twi|fat; am amh Amharic; an arg Aragonese
ar ara Arabic|arb|arz|apc|ary|العربية|Arabisch; as asm Assamese; av ava Avaric; ay aym Aymara; az aze Azerbaijani|azj|azb|Azeri
ba bak Bashkir; be bel Belarusian; bg bul Bulgarian|български|Bulgarisch; bi bis Bislama; bm bam Bambara; bn ben Bengali|Bangla|বাংলা
bo bod Tibetan|tib; br bre Breton; bs bos Bosnian|bosanski; ca cat Catalan|Valencian|català|Katalanisch; ce che Chechen; ch cha Chamorro
co cos Corsican; cr cre Cree; cs ces Czech|cze|čeština|Tschechisch; cu chu Church Slavic; cv chv Chuvash; cy cym Welsh|wel|Cymraeg
da dan Danish|dansk|Dänisch; de deu German|ger|Deutsch|allemand|alemán|tedesco; dv div Divehi|Maldivian; dz dzo Dzongkha; ee ewe Ewe
el ell Greek|gre|Modern Greek|ελληνικά|Griechisch; en eng English|Englisch|anglais|inglés|inglese|inglês; eo epo Esperanto
es spa Spanish|Castilian|español|castellano|Spanisch|espagnol|spagnolo; et est Estonian|ekk|eesti; eu eus Basque|baq|euskara
fa fas Persian|per|pes|Farsi|فارسی; ff ful Fulah; fi fin Finnish|suomi|Finnisch; fj fij Fijian; fo fao Faroese
fr fra French|fre|français|Französisch|francés|francese; fy fry Western Frisian|Frisian; ga gle Irish|Gaeilge; gd gla Scottish Gaelic|Gaelic
gl glg Galician|galego; gn grn Guarani; gu guj Gujarati; gv glv Manx; ha hau Hausa; he heb Hebrew|iw|עברית|Hebräisch; hi hin Hindi|हिन्दी
ho hmo Hiri Motu; hr hrv Croatian|scr|hrvatski|Kroatisch; ht hat Haitian|Haitian Creole; hu hun Hungarian|magyar|Ungarisch
hy hye Armenian|arm; hz her Herero; ia ina Interlingua; id ind Indonesian|in|Bahasa Indonesia|Indonesisch; ie ile Interlingue; ig ibo Igbo
ii iii Sichuan Yi; ik ipk Inupiaq; io ido Ido; is isl Icelandic|ice|íslenska; it ita Italian|italiano|Italienisch|italien
iu iku Inuktitut; ja jpn Japanese|日本語|Japanisch; jv jav Javanese; ka kat Georgian|geo; kg kon Kongo; ki kik Kikuyu; kj kua Kuanyama
kk kaz Kazakh; kl kal Kalaallisut|Greenlandic; km khm Khmer|Central Khmer; kn kan Kannada; ko kor Korean|한국어|Koreanisch; kr kau Kanuri
ks kas Kashmiri; ku kur Kurdish|kmr; kv kom Komi; kw cor Cornish; ky kir Kirghiz|Kyrgyz; la lat Latin|Latein
lb ltz Luxembourgish|Lëtzebuergesch; lg lug Ganda; li lim Limburgish; ln lin Lingala; lo lao Lao; lt lit Lithuanian|lietuvių
lu lub Luba-Katanga; lv lav Latvian|lvs|latviešu; mg mlg Malagasy|plt; mh mah Marshallese; mi mri Maori|mao; mk mkd Macedonian|mac
ml mal Malayalam; mn mon Mongolian|khk; mr mar Marathi; ms msa Malay|may|zsm|Bahasa Melayu; mt mlt Maltese; my mya Burmese|bur
na nau Nauru; nd nde North Ndebele; ne nep Nepali|npi; ng ndo Ndonga; nl nld Dutch|dut|Flemish|Nederlands|Niederländisch
no nor Norwegian|nb|nob|nn|nno|norsk|bokmål|Norwegian Bokmål|nynorsk|Norwegian Nynorsk|Norwegisch; nr nbl South Ndebele; nv nav Navajo
ny nya Chichewa|Nyanja; oc oci Occitan; oj oji Ojibwa; om orm Oromo; or ori Oriya|ory|Odia; os oss Ossetian; pa pan Punjabi|Panjabi; pi pli Pali
pl pol Polish|polski|Polnisch; ps pus Pashto; pt por Portuguese|português|Brazilian Portuguese|Portugiesisch|portugais; qu que Quechua
rm roh Romansh; rn run Rundi; ro ron Romanian|rum|mo|mol|Moldavian|română|Rumänisch; ru rus Russian|русский|Russisch; rw kin Kinyarwanda
sa san Sanskrit; sc srd Sardinian; sd snd Sindhi; se sme Northern Sami; sg sag Sango; si sin Sinhala; sk slk Slovak|slo|slovenčina
sl slv Slovenian|Slovene|slovenščina; sm smo Samoan; sn sna Shona; so som Somali; sq sqi Albanian|alb|als|shqip
sr srp Serbian|scc|srpski|српски; ss ssw Swati; st sot Southern Sotho; su sun Sundanese; sv swe Swedish|svenska|Schwedisch
sw swa Swahili|swh|Kiswahili; ta tam Tamil|தமிழ்; te tel Telugu; tg tgk Tajik; th tha Thai|ไทย; ti tir Tigrinya; tk tuk Turkmen
tl tgl Tagalog|fil|Filipino; tn tsn Tswana; to ton Tonga; tr tur Turkish|Türkçe|Türkisch; ts tso Tsonga; tt tat Tatar; ty tah Tahitian
ug uig Uighur|Uyghur; uk ukr Ukrainian|українська|Ukrainisch; ur urd Urdu; uz uzb Uzbek|uzn; ve ven Venda; vi vie Vietnamese|tiếng việt
vo vol Volapük; wa wln Walloon; wo wol Wolof; xh xho Xhosa; yi yid Yiddish|ji|ydd; yo yor Yoruba; za zha Zhuang
zh zho Chinese|chi|cmn|yue|Mandarin|Cantonese|Simplified Chinese|Traditional Chinese|中文|汉语|漢語|Chinesisch; zu zul Zulu
"""
"""Code of two letters, code of three, and after the name in English other codes and names, as ISO 639 and speakers have them."""


def _by_name() -> dict[str, str]:
    found = dict[str, str]()
    for entry in _KNOWN.replace("\n", ";").split(";"):
        if entry.strip():
            code, longer, names = entry.split(maxsplit=2)
            found |= dict.fromkeys((code, longer, *(name.strip().lower() for name in names.split("|"))), code)
    return found


CODES: Final = _by_name()
"""Code of each language by what it is called, in small letters."""

NOT_TOLD: Final = (
    "",
    "und",
    "mul",
    "mis",
    "zxx",
    "unknown",
    "undetermined",
    "mixed",
    "multiple",
    "other",
    "none",
    "n/a",
    "null",
)
"""Words in place of a language that name none."""


def one_code(given: pl.Expr) -> pl.Expr:
    """Return the code of a language that an event names as `de`, `de-AT`, `deu`, `German` or `German (Austria)`; null where none is known.

    Args:
        given: Names as they were given.
    """
    small = given.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    first = small.str.extract(r"^([^\W\d_]{2,3})[-_]").fill_null(small.str.extract(r"^(.*?) ?[(,\[].*$"))
    names, codes = list(CODES), list(CODES.values())
    return pl.coalesce(
        text.replace_strict(names, codes, default=None, return_dtype=pl.String) for text in (small, first)
    )


def is_told(given: pl.Expr) -> pl.Expr:
    """Return whether an event names a language, known or not."""
    return given.is_not_null() & ~given.str.to_lowercase().str.strip_chars().is_in(NOT_TOLD)
