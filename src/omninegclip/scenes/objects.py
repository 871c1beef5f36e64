"""The kinds of objects in the picture world, in natural groups.

Names are the field's everyday nouns. Every sixth kind is held out: fine-tuning data never negates it, so
that a benchmark can tell a learned "no" from learned words.
"""

from dataclasses import dataclass

HELD_OUT_EVERY = 6

# group: "graphic noun[/plural]" separated by commas; "+" marks a noun that has no singular, such as glasses.
_GROUPS = {
    "pets": "🐕 dog, 🐈 cat, 🐇 rabbit, 🐹 hamster, 🐢 turtle, 🦜 parrot, 🐁 mouse/mice",
    "farm": "🐄 cow, 🐎 horse, 🐖 pig, 🐑 sheep/sheep, 🐐 goat, 🐓 rooster, 🦆 duck, 🦙 llama",
    "wild": "🐘 elephant, 🦁 lion, 🐅 tiger, 🦒 giraffe, 🦓 zebra, 🐒 monkey, 🐪 camel, "
    "🐊 crocodile, 🦘 kangaroo, 🐼 panda",
    "woodland": "🦊 fox/foxes, 🐻 bear, 🦌 deer/deer, 🦉 owl, 🐿 squirrel, 🦔 hedgehog, "
    "🐺 wolf/wolves, 🍄 mushroom",
    "sea": "🐳 whale, 🐬 dolphin, 🦈 shark, 🐙 octopus/octopuses, 🦀 crab, 🐠 fish/fish, 🐚 shell, "
    "🦞 lobster",
    "winter": "🐧 penguin, 🦭 seal, ⛄ snowman/snowmen, 🛷 sled, ⛸ ice skate, 🧣 scarf/scarves, 🧤 glove",
    "garden": "🦋 butterfly/butterflies, 🐝 bee, 🐞 ladybug, 🐌 snail, 🌻 sunflower, 🌹 rose, 🌷 tulip",
    "trees": "🌵 cactus/cactuses, 🌴 palm tree, 🌲 pine tree, 🍁 maple leaf/maple leaves",
    "fruit": "🍎 apple, 🍌 banana, 🍉 watermelon, 🍓 strawberry/strawberries, 🍍 pineapple, "
    "🍋 lemon, 🍐 pear, 🥥 coconut, 🍇 +grapes, 🍒 +cherries",
    "vegetables": "🥕 carrot, 🍅 tomato/tomatoes, 🍆 eggplant, 🥔 potato/potatoes, 🥒 cucumber, 🥑 avocado",
    "meals": "🍕 pizza, 🍔 burger, 🌮 taco, 🥪 sandwich/sandwiches, 🥨 pretzel, 🥐 croissant, "
    "🍟 +fries, 🥚 egg",
    "sweets": "🍩 donut, 🍪 cookie, 🍭 lollipop, 🧁 cupcake, 🍦 ice cream cone, 🍫 chocolate bar",
    "tableware": "☕ cup, 🍷 wine glass/wine glasses, 🍺 beer mug, 🫖 teapot, 🍾 bottle, 🥄 spoon, 🕯 candle",
    "traffic": "🚗 car, 🚌 bus/buses, 🚲 bicycle, 🚕 taxi, 🚒 fire truck, 🚜 tractor, 🏍 motorcycle, "
    "🚑 ambulance, 🚦 traffic light, 🛑 stop sign",
    "sky": "✈ airplane, 🚁 helicopter, 🚀 rocket, 🛸 flying saucer, 🎈 balloon, 🪂 parachute, "
    "🪁 kite, 🪐 planet",
    "boats": "⛵ sailboat, 🚢 ship, 🛶 canoe, ⚓ anchor, ⛱ beach umbrella, 🩴 sandal",
    "sport": "⚽ soccer ball, 🏀 basketball, 🏈 football, 🎾 tennis ball, 🏐 volleyball, "
    "🛹 skateboard, 🥊 boxing glove, 🏆 trophy/trophies",
    "music": "🎸 guitar, 🎺 trumpet, 🎻 violin, 🥁 drum, 🎷 saxophone, 🎤 microphone, 🪗 accordion, "
    "🎧 +headphones",
    "tools": "🔨 hammer, 🔧 wrench/wrenches, 🪚 saw, 🪛 screwdriver, 🪓 axe, 🪜 ladder, 🧲 magnet, 🪣 bucket",
    "furniture": "🪑 chair, 🛏 bed, 🛁 bathtub, 🛋 sofa, 🚪 door, 🪞 mirror, 🧸 teddy bear, ⏰ alarm clock",
    "electronics": "💻 laptop, 📱 phone, 📷 camera, 📺 television, 📻 radio, 💡 light bulb, "
    "🔋 battery/batteries",
    "clothing": "👓 +glasses, 🎩 top hat, 👟 sneaker, 👗 dress/dresses, 👔 necktie, 👑 crown, "
    "🎒 backpack, 👜 handbag",
    "stationery": "📕 book, ✏ pencil, ✂ +scissors, 📎 paperclip, 📏 ruler, ✉ envelope, 🔑 key",
}


@dataclass(frozen=True)
class ObjectKind:
    """One kind of object; `singular` equals `plural` in nouns that have no singular."""

    index: int
    graphic: str
    singular: str
    plural: str
    group: str
    has_singular: bool

    def __hash__(self) -> int:
        """Return the index, which alone tells kinds apart."""
        return self.index

    @property
    def held_out(self) -> bool:
        """Tell whether fine-tuning data never negates this kind."""
        return self.index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1

    @property
    def indefinite(self) -> str:
        """Return the noun as one says it of one thing: "a dog", "an owl", "glasses"."""
        if not self.has_singular:
            return self.plural
        return f"{'an' if self.singular[0] in 'aeiou' else 'a'} {self.singular}"


def _read_groups() -> tuple[ObjectKind, ...]:
    kinds: list[ObjectKind] = []
    for group, entries in _GROUPS.items():
        for entry in entries.split(", "):
            graphic, _, noun = entry.partition(" ")
            singular, _, plural = noun.lstrip("+").partition("/")
            has_singular = not noun.startswith("+")
            plural = plural or (singular + "s" if has_singular else singular)
            kinds.append(ObjectKind(len(kinds), graphic, singular, plural, group, has_singular))
    return tuple(kinds)


KINDS = _read_groups()
GROUPS = {group: tuple(kind for kind in KINDS if kind.group == group) for group in _GROUPS}
