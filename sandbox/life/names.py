"""Invents names of artists, albums and tracks, in several scripts and with characters that break software."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(","))


ADJECTIVES: Final = _words(
    """
    Amber Brass Borrowed Brittle Careful Cobalt Crooked Distant Drowsy Eager Faded Feral Gentle
    Gilded Hollow Idle Ivory Kindly Lanky Lucid Mellow Muddy Narrow Northern Outer Pale Patient
    Paper Plain Quiet Ragged Restless Rusty Salty Secret Silver Sleepless Sluggish Spare Stubborn
    Sudden Tender Thirsty Tidy Tin Untold Velvet Wandering Weary Wicker Winter Wooden Yonder
    """
)
NOUNS: Final = _words(
    """
    Almanac Anchor Apron Badger Balcony Barometer Beacon Biscuit Bramble Buoy Canal Candle Carousel
    Cellar Chimney Compass Corridor Cupboard Dandelion Dovecote Engine Ferry Fjord Gable Gazebo
    Granary Harbour Heron Hinge Icicle Inkwell Jetty Kettle Kiln Ladder Lantern Lighthouse Magpie
    Meadow Mitten Moth Orchard Otter Parcel Pebble Pendulum Pier Plateau Quarry Raincoat Ribbon
    Saddle Scaffold Semaphore Sparrow Staircase Sundial Tangerine Teapot Thimble Tollbooth Trellis
    Turbine Umbrella Vestibule Viaduct Walnut Windmill
    """
)
PLACES: Final = _phrases(
    """
    Alder Street, the Back Room, Borrowed Time, the Canteen, Drizzle Bay, the Far Platform, Gull Island,
    the Ground Floor, Halfway Hill, Ink Lane, the Last Tram, Lower Ground, Marrow Fields, the Night
    Desk, Old Weir, Platform Nine, the Quiet Carriage, Quarter Past, Saltmarsh, the Spare Room, Tallow
    Court, Upper Deck, the Waiting Hall, Yarrow Road
    """
)
VERBS: Final = _words(
    """
    Borrow Carry Count Cross Draw Fold Follow Forget Gather Hide Hold Keep Leave Lend Measure Mend
    Miss Paint Promise Return Sing Spill Steal Tell Trace Wait Wake Watch Whisper Write
    """
)
GIVEN: Final = _words(
    """
    Aino Bram Calla Dario Edda Fenno Gwil Hanne Ilja Jorun Kaspar Lotte Marek Nadja Odile Piet
    Quilla Runa Sorin Tilda Ulla Vesna Wren Xenia Yannic Zoltan
    """
)
FAMILY: Final = _words(
    """
    Abendroth Brightwater Calloway Drummet Eversand Farrowmere Glimmerfeld Halloran-Voss Inkpen
    Jolivet-Marsh Kestrelby Lindqvarn Merrow Nightingall Oakshott Pellerine Quillfeather Rookwood
    Saltmarch Thistledown Umberto-Lund Vandermoor Wexcombe Yarrowby Zellinger
    """
)
FOREIGN: Final = {
    "cyrillic": (
        _words("ночь трамвай город окно река письмо зима дорога крыша фонарь голос берег"),
        _words("тихий северный синий старый дальний бумажный"),
    ),
    "greek": (_words("θάλασσα δρόμος παράθυρο νύχτα φωνή βροχή"), _words("μικρή παλιά ήσυχη μπλε")),
    "hebrew": (_words("לילה חלון רחוב גשם שיר ים מכתב"), _words("שקט ישן כחול רחוק")),
    "arabic": (_words("ليل نافذة شارع مطر بحر رسالة صوت"), _words("هادئ قديم أزرق بعيد")),
    "japanese": (_words("夜 窓 雨 手紙 海 灯台 電車"), _words("静かな 青い 古い 遠い")),
    "korean": (_words("밤 창문 비 편지 바다 기차"), _words("조용한 파란 오래된 먼")),
    "turkish": (_words("gece pencere yağmur ışık şehir çiçek"), _words("sessiz eski ılık üçüncü")),
}
LONG_TITLE: Final = (
    "A Title That Goes On And On (And On): Being a True Account of the Voyage of the Good Ship Marmalade, "
    "Its Crew, Its Cargo of Nine Hundred Umbrellas, and the Weather They Met Upon the Way Home, Part One"
)
AWKWARD_TITLES: Final = (
    "Don't Stop Knitting",
    '"Quoted"',
    "100% Wool",
    "50% Off_Season",
    "under_score",
    "Back\\slash",
    "C:\\Songs\\New",
    "'; drop table tracks; --",
    "Rock 'n' Roll Laundromat",
    "🌧️☂️",
    "Heart ❤️‍🔥 Burn",
    "👩‍👩‍👧 Family Portrait",
    "<b>Bold</b> & Italic",
    "…",
    "4",
    "1979½",
    "Null",
    "NaN",
    "true",
    "  Leading Space",
    "Tab\tin the Middle",
    "Zero\u200bWidth",
    "Cafe\u0301 (decomposed)",
    "Café (composed)",
    "ＦＵＬＬＷＩＤＴＨ",
    "İstanbul'da Işık",
    "Straße / STRASSE",
    "עברית and English",
    "\u202bמימין לשמאל\u202c",
    "Ünïcödé Overload",
    LONG_TITLE,
)
AWKWARD_ARTISTS: Final = (
    "Guns N' Thimbles",
    "AC\\Kettle",
    "100% Moth",
    "under_dog",
    '"The Quotes"',
    "Höfuð Mós",
    "🦊",
    "P!cnic",
    "Earth, Wind & Biscuit",
    "!!?",
    "Mürrisch Ünd Söhne",
    "Nil",
)
VERSIONS: Final = ("Live at {place}", "Acoustic", "Demo", "Instrumental", "Radio Edit", "Extended Mix")


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def article(word: str) -> str:
    """Return `a` or `an`, as the word needs it."""
    return "an" if word[0] in "AEIOU" else "a"


class Names:
    """Makes names at random. No artist's name occurs twice."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.taken: set[str] = set()
        self.awkward_titles = list(AWKWARD_TITLES)
        self.awkward_artists = list(AWKWARD_ARTISTS)

    def artist(self) -> str:
        """Return an artist's name."""
        if self.awkward_artists and self.rng.random() < 0.15:  # noqa: PLR2004
            name = self.awkward_artists.pop(0)
            self.taken.add(name)
            return name
        while True:
            name = self._artist()
            if name not in self.taken:
                self.taken.add(name)
                return name

    def _artist(self) -> str:
        rng = self.rng
        adjective, noun = rng.choice(ADJECTIVES), rng.choice(NOUNS)
        return rng.choice(
            (
                f"The {adjective} {plural(noun)}",
                f"{adjective} {noun}",
                f"{noun} & {rng.choice(NOUNS)}",
                f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}",
                f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}",
                f"{rng.choice(GIVEN)} and the {plural(noun)}",
                f"{plural(noun)} of {rng.choice(PLACES)}",
                f"{noun.upper()}",
                self.foreign(),
            )
        )

    def foreign(self) -> str:
        """Return two words in another script."""
        nouns, adjectives = self.rng.choice(list(FOREIGN.values()))
        return f"{self.rng.choice(adjectives)} {self.rng.choice(nouns)}"

    def title(self) -> str:
        """Return a track's title. Each awkward title is returned once, the first ones soon."""
        rng = self.rng
        if self.awkward_titles and rng.random() < 0.03:  # noqa: PLR2004
            return self.awkward_titles.pop(0)
        adjective, noun, verb = rng.choice(ADJECTIVES), rng.choice(NOUNS), rng.choice(VERBS)
        return rng.choice(
            (
                f"{adjective} {noun}",
                f"{verb} the {noun}",
                f"{verb} Me {rng.choice(('Slowly', 'Home', 'Again', 'Tomorrow', 'Twice', 'Not'))}",
                f"{noun} on {rng.choice(PLACES)}",
                f"{noun}",
                f"{verb} It {rng.choice(('Down', 'Up', 'Over', 'Anyway'))}",
                f"(I'd Rather) {verb} {article(noun)} {noun}",
                f"{rng.choice(GIVEN)}'s {noun}",
                f"No More {plural(noun)}",
                f"{noun}, Pt. {rng.randint(1, 4)}",
                f"{adjective} {plural(noun)} in {rng.choice(PLACES)}",
                self.foreign(),
            )
        )

    def album(self) -> str:
        """Return an album's title."""
        rng = self.rng
        noun, place = rng.choice(NOUNS), rng.choice(PLACES)
        return rng.choice(
            (
                f"{rng.choice(ADJECTIVES)} {plural(noun)}",
                f"Songs for {rng.choice(PLACES)}",
                f"The {noun} Sessions",
                f"{rng.choice(VERBS)} & {rng.choice(VERBS)}",
                f"{noun}",
                f"{place[0].upper()}{place[1:]}",
                f"{rng.randint(2, 99)} {plural(noun)}",
                self.foreign(),
            )
        )

    def version(self) -> str:
        """Return the suffix of another version's title, such as "Live in …"."""
        return self.rng.choice(VERSIONS).format(place=self.rng.choice(PLACES))
