"""The closed classes of English that reading needs: tables of words, and nothing else."""


def words(text: str) -> frozenset[str]:
    """Return the words of a list written as one text; an underscore stands for a blank."""
    return frozenset(word.replace("_", " ") for word in text.split())


OR = words("or nor")  # what goes on with a list of which each is denied
AND = OR | {"and"}
ARTICLES = words("a an the")
DETERMINERS = ARTICLES | words(
    "any some this that these those his her its their my your our another each every either several many "
    "few much more most all both enough what one's single"
)
POSSESSIVES = words("his her its their my your our")
DEFINITE = POSSESSIVES | {"the"}  # before what was named already
NUMBERS = words("one two three four five six seven eight nine ten eleven twelve dozen hundred")
PRONOUNS = words(
    "it he she they them him we you i me us himself herself itself themselves each_other someone somebody "
    "anyone anybody "
    "everybody everyone something anything everything"
)
PREPOSITIONS = words(
    "on in at with without by near under over above below beneath underneath behind beside besides "
    "between among amongst around through across along against toward towards onto into from for to of "
    "off inside outside beyond during before after up down next close left right upon via within atop amid "
    "amidst past like than as facing opposite aboard despite except minus throughout about alongside plus of"
)
# These open a phrase only where "of" or "to" follows: "left of the cat", "next to it", not "left hand".
SIDES = words("left right next close")
COORDINATORS = words("and or nor but")
CLAUSE_WORDS = words(
    "while whereas although though because since when where who which that whose if unless however yet "
    "wherein whom as so until"
)
RELATIVES = words("who that which thats whose")
BE = words("is are was were be been being 's 're am")
DO = words("do does did")
HAVE = words("has have had having")
MODALS = words("can ca could will wo would should shall may might must")
AUXILIARIES = BE | DO | HAVE | MODALS
HELPERS = DO | MODALS  # what a "not" after it says is that something is not done
FOCUS = words("just only also even instead rather merely simply")
ADVERBS = words(
    "nowhere here there currently actually really either nearby around anywhere together yet still now too "
    "very "
    "quite so almost always ever then again away apart alone clearly necessarily particularly especially "
    "fully entirely completely totally actively directly outdoors indoors somewhere upside today forward "
    "back else visible present absent missing whatsoever definitely certainly both please however"
)
# What weakens "not" until nothing is denied for sure: "not very high", "not many", "not far", "not sure".
DEGREES = words(
    "very so that too all much many enough quite far really just only sure certain yet entirely fully "
    "necessarily exactly always completely every everyone everything everybody even long particularly "
    "especially mostly totally to know"
)
COLOUR_NAMES = words("red green blue yellow purple pink brown black white grey gray gold silver beige")
COLOURS = COLOUR_NAMES | words("orange golden tan striped plaid dark light")
ADJECTIVES = COLOURS | words(
    "big small large tiny little tall short long wide narrow old young new happy sad open closed empty "
    "full wet dry hot cold clean dirty sunny cloudy rainy snowy round square flat wooden metal bright "
    "blurry crowded busy asleep awake alive dead visible ripe fresh raw cooked broken bare furry fluffy "
    "shiny thick thin heavy calm rough smooth soft hard modern ornate colorful colourful plain fat skinny "
    "bald deep shallow steep loose tight ready fast slow healthy sick angry tired hungry alone lit"
)
# Nouns that look like participles.
NOUNS_IN_ING = words(
    "building ceiling railing painting clothing wedding string ring thing king wing icing frosting "
    "topping dressing sibling morning evening crossing marking lettering writing lighting seating bedding "
    "piercing stuffing earring swing spring being sling pudding awning siding flooring drawing carving "
    "engraving covering filling wiring netting molding awning herring viking starling duckling nothing "
    "something anything everything bling sting meeting feeling inning"
)
NOUNS_IN_ED = words("bed sled shed seed weed reed bed red feed breed need steed speed moped hundred infrared")
NOUNS_IN_LY = ("fly", "family", "belly", "jelly", "rally", "lily", "assembly", "italy")  # endings
# Participles and adjectives that stand after a noun: "no cars parked here", "a wall with no windows visible".
PARTICIPLES = words(
    "seen shown hung sat lit left worn held taken made eaten drawn built put set laid lain thrown grown "
    "found broken torn sold spread ridden driven written driving tied used frozen"
)
# Nouns that are verbs before some words: "she waves to the crowd", "he skates across the pond".
VERBS_BEFORE = {"waves": words("to at"), "skates": words("off across past through along")}
# Verbs as captions have them, in the third person; those that are nouns more often are left out.
VERBS = words(
    "sits stands walks runs rides eats holds looks wears jumps lies lays leans rests sleeps flies swims "
    "grazes drives carries pulls pushes throws catches hits kicks reads writes talks smiles laughs sings "
    "dances climbs crosses faces stares poses grabs takes makes gets gives goes comes leads follows tries "
    "attempts prepares begins starts enjoys helps uses works waits hangs crouches kneels peeks bites "
    "chews drinks cooks cuts fills opens closes keeps brushes surfs speeds perform performs competes "
    "straggles speaks celebrates floats dribbles arrives greets attends joins receives accepts enters "
    "raises putts delivers examines explains listens learns teaches meets defends builds discusses "
    "emerges gallops growls howls knits meditates mows nibbles pours prays roasts sews shouts snores "
    "sniffs strolls sweeps wades wags washes weaves whispers yawns watches plays guides lounges barks "
    "hovers travels moves turns approaches leaps reaches shaves consists sit stand walk run ride eat hold "
    "look wear jump lie lean rest sleep fly swim graze drive pull push throw catch hit kick read talk "
    "smile sing climb pose grab seems seem appears appear shows show features feature contains contain "
    "includes include depicts depict displays lacks has have had do does did is are was were sat stood "
    "walked ran rode ate held looked wore jumped lay became becomes doesnt serves serve presents "
    "stretches stretch exists exist sees see says puts crawls grinds dives retrieves descends relaxes "
    "tosses extends pokes juggles fetches gathers ascends hops pretends scratches tackles rushes flaps "
    "brings gazes collects executes flings creates sells contemplates grasps confronts inspects admires "
    "applies surrounds operates perches stabs huddles completes traverses fixes tells tunes shines "
    "gather compete enjoy participate raise follow enter examine return retrieve greet prepare speak "
    "surround celebrate bathe begin meet observe protect sell learn relax deliver navigate extinguish "
    "assist prevent decorate avoid engage react collide congregate juggle create browse provide arrive "
    "attend join receive take make give bring keep flows glides soars navigates occupies "
    "dominates accompanies adorns overlooks showcases roams struggles sprints reacts erupts sways grows "
    "chooses wins loses shake shakes share shares stroll roam sprays misses emits "
    "pick buy chase win lose lurks lurk remains remain "
    "rises burns melts glows dangles dangle clings cling drips"
)
VEHICLES = words("car bus truck train boat bike bicycle vehicle plane airplane")
# What things do: a word of these after a thing is said of it, "smoke rising", "steps leading up".
THINGS_DO = words(
    "rising hanging growing burning leading floating coming shining blowing falling melting dripping "
    "sticking flowing connecting blocking covering surrounding blooming glowing dangling"
)
# Where something is, in one word: "not indoors".
WHERE = words("indoors outdoors inside outside upstairs downstairs underwater")
# What an image is called, and what is said of it without saying anything that it shows.
IMAGES = words(
    "image picture photo photograph scene shot snapshot drawing cartoon painting frame view photos images "
    "pictures photographs scenes video caption illustration clip"
)
# Verbs whose object is what is there: "does not show a dog", "not wearing a hat".
HAVING = {
    "show": "shows showing shown", "feature": "features featuring featured", "contain": "contains containing",
    "include": "includes including", "depict": "depicts depicting", "display": "displays displaying",
    "have": "has having had", "hold": "holds holding", "wear": "wears wearing wore", "see": "sees seeing",
    "find": "finds finding", "carry": "carries carrying", "possess": "possesses possessing",
    "spot": "spots spotting", "sport": "sports sporting", "portray": "portrays portraying",
    "capture": "captures capturing", "exhibit": "exhibits exhibiting",
    "involve": "involves involving", "reveal": "reveals revealing", "own": "owns owning",
    "notice": "notices noticing", "observe": "observes observing",
    "hear": "hears hearing", "illustrate": "illustrates illustrating", "mention": "mentions",
    "encounter": "encounters",
}  # fmt: skip
HAVING_FORMS = frozenset(HAVING) | frozenset(form for forms in HAVING.values() for form in forms.split())
# What is said of a thing that is there, and denied of one that is not: "no dog is visible".
PRESENT = words(
    "visible present seen shown pictured depicted found featured included displayed there here around "
    "nearby anywhere captured spotted observed noticed portrayed in_sight in_view in_evidence available "
    "represented detected evident apparent appear exist be on_display discernible illustrated"
)
# Nouns that nobody counts, so that no article goes before them.
MASS = words(
    "water snow grass traffic furniture food foam hair ice fog mist smoke sand rain sunlight jewelry "
    "jewellery "
    "luggage baggage equipment silverware graffiti cheese sauce bread meat rice pasta butter milk wine "
    "beer coffee juice tea lettering writing text clothing sugar salt fruit vegetation foliage wildlife "
    "electronics machinery mud dirt dust steam fire electricity cutlery tableware cookware makeup "
    "headgear footwear gear wood metal plastic glass_water seating lighting bedding garnish seafood "
    "pepperoni ketchup mustard mayonnaise lettuce broccoli spinach chocolate cream ice_cream "
    "cake_frosting frosting icing pollution litter trash garbage rubbish damage movement sunshine "
    "confetti darkness greenery scenery decoration packaging toilet_paper paper soap money cash bacon ham "
    "beef pork chicken_meat poultry honey jam oil flour garlic yogurt cereal popcorn artwork underwear "
    "swimwear sportswear lace paint parsley chili cabinetry wallpaper broth tile scenery denim fur wool "
    "leather livestock cattle corn staff everything anyone anybody something anything infrastructure "
    "civilization human_activity activity interaction signage landscaping stuff glare lightning thunder "
    "gold silver soccer football_gear baseball_gear tennis surfing police crew gluten alcohol caffeine "
    "meat dairy color colour emotion life noise music footage winter summer autumn"
)
IRREGULAR_PLURALS = words(
    "people men women children mice geese feet teeth oxen policemen firemen fishermen snowmen businessmen "
    "clothes pants jeans shorts police cattle"
)
SINGULAR_IN_S = words(
    "lens canvas gas iris tennis chess christmas atlas bias bus plus series species chassis oasis basis "
    "this his"
)
# Whoever acts: a participle after them is theirs ("no people walking"), after other things it may belong to
# who was named before ("a man without a hat eating").
ACTORS = words(
    "one person man woman boy girl child kid baby guy lady rider driver passenger pedestrian player skier "
    "surfer cat dog bird horse cow animal human customer visitor tourist student worker officer crowd "
    "elephant giraffe zebra sheep bear car bus truck train boat bike bicycle vehicle plane airplane "
    "toddler infant teenager friend couple family bride groom guest spectator fan audience employee "
    "teammate defender goalkeeper referee coach teacher doctor nurse patient chef cook waiter waitress "
    "soldier guard bodyguard farmer fisherman sailor captain pilot swimmer runner hiker cyclist biker "
    "climber skater snowboarder skateboarder golfer boxer dancer singer musician drummer guitarist actor "
    "actress artist performer model politician reporter photographer queen king prince princess clown "
    "witch astronaut gardener shopper commuter protester athlete batter pitcher catcher puppy kitten pony "
    "calf lamb duck duckling swan goose hen chicken rooster owl eagle parrot penguin seagull gull pigeon "
    "fish shark dolphin whale turtle frog snake lizard monkey ape lion tiger wolf fox deer rabbit "
    "squirrel mouse goat pig donkey camel kangaroo bee butterfly spider insect cub lynx foal piglet "
    "son daughter husband wife mother father brother sister parent twin grandmother grandfather businessman "
    "businesswoman policeman policewoman fireman cameraman gentleman bridesmaid groomsman celebrity gymnast "
    "striker midfielder quarterback lawyer designer architect author writer director producer comedian "
    "monarch commander journalist mayor judge scientist engineer builder carpenter mechanic barista monk nun "
    "shepherd cowboy knight pirate pilgrim juggler"
)
PLACES = words(
    "beach street snow city winter room kitchen night dark sky meadow field grass forest woods desert sea "
    "water ocean air stage workshop desk savanna sand park garden yard restaurant store station airport "
    "classroom zoo harbor harbour library bathroom bedroom office mountain mountains hill road highway "
    "sidewalk indoors outdoors daylight day morning rain jungle river lake pool gym stadium court "
    "parking_lot farm house building market museum church village town island square alley hotel mall "
    "hospital school countryside downtown dusk dawn underwater "
    "background foreground"
)
